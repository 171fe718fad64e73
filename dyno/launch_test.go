package dyno

import (
	"slices"
	"strings"
	"testing"

	"github.com/kigo-dev/kigo"
)

func TestALaunchCarriesTheReleaseAndThePlatformsOwnVariables(t *testing.T) {
	p := Plan{
		App:    kigo.App{ID: "app", UIDBase: 2_065_536},
		Dyno:   kigo.Dyno{ID: "11111111-2222-3333-4444-555555555555", Type: "web", Number: 2, Size: "standard-2x", Command: "./server", Restarts: 3},
		Slug:   kigo.Slug{Digest: "sha256:aa"},
		Config: kigo.ConfigVars{"A": "1", "PORT": "9", "HOME": "/root", "PATH": "/mine"},
	}
	l, err := p.Launch()
	if err != nil {
		t.Fatal(err)
	}
	if l.ID != p.Dyno.ID+"-3" || dynoOf(l.ID) != p.Dyno.ID || l.Name != "web.2" {
		t.Errorf("id %s name %s", l.ID, l.Name)
	}
	if l.Memory != 1<<30 || l.Pids != 512 || l.Boot != kigo.BootTimeout || l.Port < 3000 || l.Port > 59000 {
		t.Errorf("limits %+v", l)
	}
	for _, want := range []string{"A=1", "DYNO=web.2", "HOME=/app", "PATH=/mine"} {
		if !slices.Contains(l.Env, want) {
			t.Errorf("no %s in %q", want, l.Env)
		}
	}
	if slices.Contains(l.Env, "PORT=9") {
		t.Error("a config var replaced PORT")
	}
	if l.Command[len(l.Command)-1] != "./server" {
		t.Errorf("command %q", l.Command)
	}
}

func TestOneOffsHaveNoPortAndATerminalOfTheClientsSize(t *testing.T) {
	d := kigo.Dyno{ID: "x-y", Type: "run", Number: 1234, Size: "Basic", OneOff: true, Command: "bash",
		Attach: kigo.Attach{Wanted: true}, Env: map[string]string{"COLUMNS": "132", "LINES": "no", "TERM": "xterm"}}
	l, err := Plan{Dyno: d}.Launch()
	if err != nil {
		t.Fatal(err)
	}
	if l.Port != 0 || l.TTY == nil || l.TTY.Cols != 132 || l.TTY.Rows != 24 {
		t.Errorf("port %d tty %+v", l.Port, l.TTY)
	}
	if strings.Contains(strings.Join(l.Env, "\n"), "PORT=") {
		t.Error("a one-off has PORT")
	}
	d.Attach.NoTTY = true
	if l, _ := (Plan{Dyno: d}).Launch(); l.TTY != nil || !l.Stdin {
		t.Errorf("without a terminal: %+v stdin %v", l.TTY, l.Stdin)
	}
}

func TestLaunchesOfBuildsBelongToNoDyno(t *testing.T) {
	for _, id := range []kigo.DynoID{"build-1234-0", "nodash", ""} {
		if got := dynoOf(id); got != "" {
			t.Errorf("%s belongs to %s", id, got)
		}
	}
}
