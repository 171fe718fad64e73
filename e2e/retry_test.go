package e2e

import (
	"regexp"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// patience is how long retry goes on, and pace how often it looks.
const (
	patience = 90 * time.Second
	pace     = 300 * time.Millisecond
)

// retry repeats a command until it succeeds and, with -out REGEX, prints a match:
//
//	retry [-out REGEX] COMMAND ARGS...
//
// With ! it repeats until the command fails.
func retry(ts *testscript.TestScript, neg bool, args []string) {
	var want *regexp.Regexp
	if len(args) > 2 && args[0] == "-out" {
		var err error
		want, err = regexp.Compile(`(?m)` + args[1])
		ts.Check(err)
		args = args[2:]
	}
	if len(args) == 0 {
		ts.Fatalf("usage: retry [-out REGEX] COMMAND ARGS...")
	}
	deadline := time.Now().Add(patience)
	for tick := time.NewTicker(pace); ; <-tick.C {
		err := ts.Exec(args[0], args[1:]...)
		met := (err == nil) != neg
		if met && want != nil {
			met = want.MatchString(ts.ReadFile("stdout"))
		}
		if met {
			tick.Stop()
			check(ts, neg, err)
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%v: not within %v: %v", args, patience, err)
		}
	}
}
