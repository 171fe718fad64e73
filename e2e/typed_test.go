package e2e

import (
	"bytes"
	"context"
	"io"
	"os/exec"
	"regexp"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// ornaments are colours, and what moves the cursor.
var ornaments = regexp.MustCompile(`\x1b(\[[0-9;?]*[A-Za-z]|[78])`)

// hangup stands for the closing of the terminal, in place of a text that is typed.
const hangup = "<hangup>"

// typed is the command typed PROMPT TEXT [PROMPT TEXT...] -- COMMAND: it runs a shell
// command on a terminal, and types each text when its prompt is there. Nothing else is
// typed, not even an end of input: the official CLI fails with EPIPE if it has to send
// one after the dyno's end. The text <hangup> closes the terminal.
func typed(ts *testscript.TestScript, neg bool, args []string) {
	i := len(args) - 2
	if i < 0 || i%2 != 0 || args[i] != "--" {
		ts.Fatalf("usage: typed PROMPT TEXT [PROMPT TEXT...] -- COMMAND")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "script", "-qefc", args[i+1], "/dev/null")
	cmd.Dir = ts.MkAbs(".")
	cmd.Env = environment(ts)
	in, err := cmd.StdinPipe()
	ts.Check(err)
	out, err := cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	var said bytes.Buffer
	for rest, b := args[:i], make([]byte, 4096); ; {
		n, err := out.Read(b)
		said.Write(ornaments.ReplaceAll(b[:n], nil))
		if len(rest) > 0 && strings.Contains(said.String(), rest[0]) {
			if rest[1] == hangup {
				ts.Check(cmd.Process.Kill())
			} else {
				_, err := io.WriteString(in, rest[1]+"\r")
				ts.Check(err)
			}
			rest = rest[2:]
		}
		if err != nil {
			break
		}
	}
	in.Close()
	err = cmd.Wait()
	_, e := ts.Stdout().Write(said.Bytes())
	ts.Check(e)
	check(ts, neg, err)
}

// environment is what the script's own commands would be run with.
func environment(ts *testscript.TestScript) (env []string) {
	o, ok := ts.Value(officialKey).(*official)
	if !ok {
		ts.Fatalf("the script has no official CLI")
	}
	env = append(env, o.env...)
	for _, name := range told {
		if value := ts.Getenv(name); value != "" {
			env = append(env, name+"="+value)
		}
	}
	return append(env, "WORK="+o.dir)
}
