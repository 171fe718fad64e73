package dyno

import (
	"os/exec"
	"testing"
)

func TestTheStatusOfACommandThatExitsIsTold(t *testing.T) {
	const mark = "\uFFFF heroku-command-exit-status: "
	for command, want := range map[string]string{
		"exit 3":             mark + "3\n",
		"echo hi; exit 4":    "hi\n" + mark + "4\n",
		"true":               mark + "0\n",
		"echo hi # greeting": "hi\n" + mark + "0\n",
		"sh -c 'exit 7'":     mark + "7\n",
	} {
		out, _ := exec.Command("bash", "-c", keepsEcho(command+" "+exitEcho)).Output()
		if string(out) != want {
			t.Errorf("%s: printed %q, want %q", command, out, want)
		}
	}
	if got := keepsEcho("exit 3"); got != "exit 3" {
		t.Errorf("a command without the mark became %q", got)
	}
}
