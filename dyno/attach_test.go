package dyno

import (
	"slices"
	"sync/atomic"
	"testing"

	"github.com/kigo-dev/kigo"
)

func TestAProcessThatGoesOnWithoutItsClientIsR16(t *testing.T) {
	b := newBench(t)
	d := b.create(kigo.Dyno{Type: "run", Number: 1234, Command: "bash", OneOff: true})
	b.ready(d.ID)
	h := hangup{nopCloser{}, b.agent, d, new(atomic.Bool)}
	const line = "heroku[run.1234]: Error R16 (Detached) -> An attached process is not responding to SIGHUP after its external connection was closed."
	h.detached()
	b.said(line)
	n := len(b.logs.since(0))
	b.end(d.ID, func(s *kigo.RunStatus) { s.ExitCode = 129 })
	b.until("the row to go", func() bool { return b.row(d.ID).ID == "" })
	h.detached()
	if slices.Contains(b.logs.since(n), line) {
		t.Error("said of a process that has ended")
	}
}
