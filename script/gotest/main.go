// Command gotest runs `go test -json` with the arguments given and reports as
// go test does: the end of the output of what failed, then one line per package, and at
// the end the last words of each test that failed. The whole output of a failed test is
// in the folder .cache/failed. With CI=true a skipped test is a failure. Start reading
// at main.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sort"
	"strings"
)

// event is one line of `go test -json` (go doc test2json).
type event struct {
	Action, Package, ImportPath, Test, Output string
}

// report gathers the events of a run.
type report struct {
	out     io.Writer
	whole   string                      // folder for the whole output of what failed; "" for none
	output  map[string]*strings.Builder // by package and test, until it is known whether it failed
	within  []string                    // tests of tests that failed, shown after the test they are of
	skipped []string
	failed  []failure
	tests   int
}

// failure is a test that failed, and the last lines that it said.
type failure struct {
	name string
	said []string
}

func main() {
	cmd := exec.Command("go", append([]string{"test", "-json"}, os.Args[1:]...)...)
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "start go test:", err)
		os.Exit(1)
	}
	r := &report{out: os.Stdout, whole: filepath.Join(".cache", "failed"), output: make(map[string]*strings.Builder)}
	r.read(stdout)
	failed := cmd.Wait() != nil
	if !r.summary(os.Getenv("CI") == "true") || failed {
		os.Exit(1)
	}
}

// read handles every event; lines that are none are shown as they are.
func (r *report) read(stream io.Reader) {
	in := bufio.NewReader(stream)
	for {
		line, err := in.ReadString('\n')
		if line != "" {
			var e event
			if json.Unmarshal([]byte(line), &e) != nil {
				fmt.Fprint(r.out, line)
			} else {
				r.add(e)
			}
		}
		if err != nil {
			return
		}
	}
}

func (r *report) add(e event) {
	key := e.Package + " " + e.Test
	switch e.Action {
	case "build-output":
		fmt.Fprint(r.out, e.Output)
	case "output":
		if e.Test == "" && closing(e.Output) {
			fmt.Fprint(r.out, e.Output)
			return
		}
		if r.output[key] == nil {
			r.output[key] = new(strings.Builder)
		}
		r.output[key].WriteString(e.Output)
	case "pass":
		if e.Test != "" {
			r.tests++
		}
		delete(r.output, key)
	case "fail":
		if e.Test != "" {
			r.tests++
			r.failed = append(r.failed, failure{key, r.lastWords(key)})
		}
		if strings.Contains(e.Test, "/") {
			r.within = append(r.within, key)
			return
		}
		r.show(key)
		r.showWithin(key)
	case "skip":
		if e.Test != "" {
			r.tests++
			r.skipped = append(r.skipped, key+": "+r.reason(key))
		}
		delete(r.output, key)
	}
}

// closing reports whether a line is the last word about a package.
func closing(line string) bool {
	for _, prefix := range []string{"ok  \t", "FAIL\t", "---  \t", "?   \t", "\t"} {
		if strings.HasPrefix(line, prefix) {
			return true
		}
	}
	return false
}

func (r *report) show(key string) {
	b := r.output[key]
	if b == nil {
		return
	}
	delete(r.output, key)
	end := ending(b.String(), 60, 6<<10)
	if cut := b.Len() - len(end); cut > 0 {
		fmt.Fprintf(r.out, "=== %s: its last lines, %d bytes before them left out%s\n", key, cut, r.keep(key, b.String()))
	}
	fmt.Fprint(r.out, end)
}

// ending is the end of a text: whole lines, at most so many and so many bytes (the last
// line alone may be longer).
func ending(text string, lines, size int) string {
	start := len(text)
	for ; lines > 0 && start > 0; lines-- {
		line := strings.LastIndexByte(text[:start-1], '\n') + 1
		if start < len(text) && len(text)-line > size {
			break
		}
		start = line
	}
	return text[start:]
}

// keep writes the whole output of a test and says where it is.
func (r *report) keep(key, text string) string {
	if r.whole == "" {
		return ""
	}
	file := filepath.Join(r.whole, strings.NewReplacer("/", "-", " ", "-").Replace(key)+".txt")
	err := os.MkdirAll(r.whole, 0o755)
	if err == nil {
		err = os.WriteFile(file, []byte(text), 0o644)
	}
	if err != nil {
		return fmt.Sprintf(" (%v)", err)
	}
	return " (the whole: " + file + ")"
}

// showWithin shows what failed within a test that ended, or within a package's tests.
func (r *report) showWithin(ended string) {
	var others []string
	for _, key := range r.within {
		if strings.HasPrefix(key, ended) {
			r.show(key)
		} else {
			others = append(others, key)
		}
	}
	r.within = others
}

// reason is what a skipped test said, on one line.
func (r *report) reason(key string) string {
	b := r.output[key]
	if b == nil {
		return "no reason given"
	}
	var said []string
	for line := range strings.SplitSeq(b.String(), "\n") {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "===") && !strings.HasPrefix(line, "---") {
			said = append(said, line)
		}
	}
	return strings.Join(said, " ")
}

// lastWords are the last lines that a test said: what made it fail is among them.
func (r *report) lastWords(key string) []string {
	const most = 20
	b := r.output[key]
	if b == nil {
		return nil
	}
	lines := strings.Split(strings.TrimRight(b.String(), "\n"), "\n")
	return lines[max(len(lines)-most, 0):]
}

// failedWithin reports whether a test of a test failed: then that one's words count.
func (r *report) failedWithin(name string) bool {
	return slices.ContainsFunc(r.failed, func(f failure) bool { return strings.HasPrefix(f.name, name+"/") })
}

// summary tells the totals and whether the run is a success.
func (r *report) summary(ci bool) bool {
	sort.Strings(r.skipped)
	for _, s := range r.skipped {
		fmt.Fprintln(r.out, "SKIP", s)
	}
	for _, f := range r.failed {
		if !r.failedWithin(f.name) {
			fmt.Fprintf(r.out, "FAILED %s\n%s\n", f.name, strings.Join(f.said, "\n"))
		}
	}
	fmt.Fprintf(r.out, "%d tests, %d failed, %d skipped\n", r.tests, len(r.failed), len(r.skipped))
	if ci && len(r.skipped) > 0 {
		fmt.Fprintln(r.out, "FAIL: in CI a skipped test is a failure")
		return false
	}
	return len(r.failed) == 0
}
