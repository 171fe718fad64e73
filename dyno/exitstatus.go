package dyno

import "strings"

// exitEcho is what the official CLI (run -x) puts behind a command to learn its
// exit status.
const exitEcho = `; echo "` + "\uFFFF" + ` heroku-command-exit-status: $?"`

// keepsEcho puts a command that ends in exitEcho into a subshell, so that one
// that says `exit 3` ends there and its status is still told.
func keepsEcho(command string) string {
	own, ok := strings.CutSuffix(command, exitEcho)
	if !ok {
		return command
	}
	return "(" + own + "\n)" + exitEcho // the line end, for a command that ends in a comment
}
