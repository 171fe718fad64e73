package dyno

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/store"
)

// play is a dyno's life in a test, and what it has to say.
type play struct {
	*bench
	d kigo.Dyno
}

// up makes a dyno that runs.
func (p *play) up(typ, size string) {
	p.Helper()
	number := 1
	if typ == "run" {
		number = 1234
	}
	p.d = p.createSized(kigo.Dyno{Type: typ, Number: number, Command: "./" + typ, OneOff: typ == "run"}, size)
	p.ready(p.d.ID)
}

// exit ends its process.
func (p *play) exit(change func(*kigo.RunStatus)) { p.end(p.d.ID, change) }

// stop asks for its end, as a change of desired state does.
func (p *play) stop(why string) {
	p.update(func(tx *store.Tx) error {
		if why == "" {
			return tx.StopDyno(p.d.ID)
		}
		return tx.StopDynoSaying(p.d.ID, why)
	})
	p.agent.Mark(p.d.ID)
	p.state(p.d.ID, kigo.DynoDown)
}

// lives are the ways through a dyno's life that Heroku's log has lines for, and those
// lines, word for word, by dyno: the rows of its table.
var lives = []struct {
	name string
	act  func(*play)
	want []string
}{
	{"a start", func(p *play) { p.up("web", "Basic") }, []string{
		"heroku[web.1]: Starting process with command `./web`", "heroku[web.1]: State changed from starting to up"}},
	{"a stop", func(p *play) { p.up("web", "Basic"); p.stop(""); p.exit(func(s *kigo.RunStatus) { s.ExitCode = 143 }) }, []string{
		"heroku[web.1]: State changed from up to down", "heroku[web.1]: Stopping all processes with SIGTERM", "heroku[web.1]: Process exited with status 143"}},
	{"a restart", func(p *play) { p.up("web", "Basic"); p.stop("Restarting") }, []string{
		"heroku[web.1]: Restarting", "heroku[web.1]: State changed from up to starting", "heroku[web.1]: Stopping all processes with SIGTERM"}},
	{"the daily restart", func(p *play) { p.up("web", "Basic"); p.stop("Cycling") }, []string{
		"heroku[web.1]: Cycling", "heroku[web.1]: State changed from up to starting", "heroku[web.1]: Stopping all processes with SIGTERM"}},
	{"sleep and waking", func(p *play) {
		p.up("web", "Eco")
		p.update(func(tx *store.Tx) error {
			row, err := tx.Dyno(p.d.ID)
			if err != nil {
				return err
			}
			row.StartedAt = time.Now().Add(-2 * time.Hour)
			return tx.UpdateDynoState(&row)
		})
		p.agent.traffic.mu.Lock()
		p.agent.traffic.began = time.Now().Add(-2 * time.Hour)
		p.agent.traffic.mu.Unlock()
		first := RunID(p.row(p.d.ID))
		p.agent.Mark(p.d.ID)
		p.state(p.d.ID, kigo.DynoIdle)
		p.until("SIGTERM", func() bool {
			s, err := p.engine.Status(p.Context(), first)
			return err == nil && s.State == kigo.RunStopping
		})
		p.engine.set(first, func(s *kigo.RunStatus) { s.State, s.ExitCode = kigo.RunExited, 143 })
		p.until("the launch to go", func() bool { _, err := p.engine.Status(p.Context(), first); return err != nil })
		p.agent.Wake(p.app.ID)
		p.ready(p.d.ID)
	}, []string{
		"heroku[web.1]: Idling", "heroku[web.1]: State changed from up to idle", "heroku[web.1]: Stopping all processes with SIGTERM", "heroku[web.1]: Process exited with status 143",
		"heroku[web.1]: Unidling", "heroku[web.1]: State changed from idle to starting", "heroku[web.1]: Starting process with command `./web`", "heroku[web.1]: State changed from starting to up"}},
	{"a crash and the start after it", func(p *play) {
		p.up("web", "Basic")
		p.exit(func(s *kigo.RunStatus) { s.ExitCode = 1 })
		p.until("a second launch", func() bool { return p.row(p.d.ID).Restarts == 1 })
		p.ready(p.d.ID)
	}, []string{
		"heroku[web.1]: Process exited with status 1", "heroku[web.1]: State changed from up to crashed", "heroku[web.1]: State changed from crashed to starting",
		"heroku[web.1]: Starting process with command `./web`", "heroku[web.1]: State changed from starting to up"}},
	{"more memory than the quota (R14)", func(p *play) {
		p.up("web", "Basic")
		p.said("heroku[web.1]: State changed from starting to up")
		p.engine.mu.Lock()
		p.engine.stats = map[kigo.DynoID]kigo.RunStats{RunID(p.d): {MemoryRSS: 500 << 20, MemorySwap: 29 << 20}}
		p.engine.mu.Unlock()
		if err := p.agent.checkMemory(p.Context()); err != nil {
			p.Fatal(err)
		}
	}, []string{"heroku[web.1]: Process running mem=529M(103.3%)", "heroku[web.1]: Error R14 (Memory quota exceeded)"}},
	{"far more memory (R15)", func(p *play) {
		p.up("worker", "Basic")
		p.exit(func(s *kigo.RunStatus) { s.ExitCode, s.OOM = 137, true })
	}, []string{
		"heroku[worker.1]: Process running mem=1024M(200.0%)", "heroku[worker.1]: Error R15 (Memory quota vastly exceeded)", "heroku[worker.1]: Stopping process with SIGKILL",
		"heroku[worker.1]: Process exited with status 137", "heroku[worker.1]: State changed from up to crashed"}},
	{"a boot that takes too long (R10)", func(p *play) {
		p.d = p.create(kigo.Dyno{Type: "web", Number: 1, Command: "./web"})
		p.until("a launch", func() bool { _, err := p.engine.Status(p.Context(), RunID(p.d)); return err == nil })
		p.exit(func(s *kigo.RunStatus) { s.ExitCode, s.BootTimedOut = 137, true })
	}, []string{
		"heroku[web.1]: Error R10 (Boot timeout) -> Web process failed to bind to $PORT within 60 seconds of launch", "heroku[web.1]: Stopping process with SIGKILL",
		"heroku[web.1]: Process exited with status 137", "heroku[web.1]: State changed from starting to crashed"}},
	{"an end that takes too long (R12)", func(p *play) {
		p.up("web", "Basic")
		p.stop("")
		p.exit(func(s *kigo.RunStatus) { s.ExitCode, s.StopTimedOut = 137, true })
	}, []string{
		"heroku[web.1]: Stopping all processes with SIGTERM", "heroku[web.1]: Error R12 (Exit timeout) -> At least one process failed to exit within 30 seconds of SIGTERM",
		"heroku[web.1]: Stopping remaining processes with SIGKILL", "heroku[web.1]: Process exited with status 137"}},
	{"a damaged slug (R17)", func(p *play) {
		p.engine.mu.Lock()
		p.engine.fail = fmt.Errorf("mount: %w", damaged{})
		p.engine.mu.Unlock()
		p.d = p.create(kigo.Dyno{Type: "web", Number: 1, Command: "./web"})
	}, []string{"heroku[web.1]: Error R17 (Checksum error) -> Checksum does match expected value. Expected: SHA256:aa Actual: SHA256:bb"}},
	{"a one-off", func(p *play) { p.up("run", "Basic"); p.exit(func(*kigo.RunStatus) {}) }, []string{
		"heroku[run.1234]: Starting process with command `./run`", "heroku[run.1234]: State changed from starting to up",
		"heroku[run.1234]: Process exited with status 0", "heroku[run.1234]: State changed from up to complete"}},
	{"an attached one-off whose client goes, and which ignores it (R16)", func(p *play) {
		p.d = p.create(kigo.Dyno{Type: "run", Number: 1234, Command: "bash", OneOff: true, Attach: kigo.Attach{Wanted: true, Secret: "s3cret"}})
		p.until("a line", func() bool { return len(p.logs.since(0)) == 1 })
		_, conn, err := p.agent.Attach(p.Context(), "s3cret")
		if err != nil {
			p.Fatal(err)
		}
		p.ready(p.d.ID)
		p.said("heroku[run.1234]: State changed from starting to up") // which comes after the row says so
		_ = conn.Close()
		hangup{nopCloser{}, p.agent, p.d, new(atomic.Bool)}.detached() // ten seconds later
	}, []string{
		"heroku[run.1234]: Awaiting client", "heroku[run.1234]: Starting process with command `bash`", "heroku[run.1234]: State changed from starting to up",
		"heroku[run.1234]: Client connection closed. Sending SIGHUP to all processes",
		"heroku[run.1234]: Error R16 (Detached) -> An attached process is not responding to SIGHUP after its external connection was closed."}},
	{"an attached one-off whose client never comes (R13)", func(p *play) {
		p.d = p.create(kigo.Dyno{Type: "run", Number: 1234, Command: "bash", OneOff: true, CreatedAt: time.Now().Add(-time.Hour), Attach: kigo.Attach{Wanted: true, Secret: "s3cret"}})
	}, []string{"heroku[run.1234]: Error R13 (Attach error) -> Failed to attach to process", "heroku[run.1234]: State changed from starting to complete"}},
}

func TestEachTurnOfADynosLifeWritesTheLinesOfHerokusTable(t *testing.T) {
	t.Parallel()
	for _, life := range lives {
		t.Run(life.name, func(t *testing.T) {
			t.Parallel()
			p := &play{bench: newBench(t)}
			life.act(p)
			var got []string
			p.until("its lines", func() bool {
				got = p.logs.since(0)
				i := slices.Index(got, life.want[0])
				return i >= 0 && len(got)-i >= len(life.want)
			})
			i := slices.Index(got, life.want[0])
			if got = got[i : i+len(life.want)]; !slices.Equal(got, life.want) {
				t.Errorf("log %q, want %q", got, life.want)
			}
		})
	}
}
