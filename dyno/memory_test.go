package dyno

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kigo-dev/kigo"
)

func TestADynoAboveItsQuotaIsR14WithoutThePageCache(t *testing.T) {
	b := newBench(t)
	hungry := b.create(kigo.Dyno{Type: "web", Number: 1, Command: "./web"})
	b.ready(hungry.ID)
	cached := b.create(kigo.Dyno{Type: "worker", Number: 1, Command: "./work"})
	b.ready(cached.ID)
	b.said("heroku[web.1]: State changed from starting to up")
	b.said("heroku[worker.1]: State changed from starting to up")
	b.engine.mu.Lock()
	b.engine.stats = map[kigo.DynoID]kigo.RunStats{
		RunID(hungry): {MemoryRSS: 500 << 20, MemorySwap: 20 << 20},
		RunID(cached): {MemoryRSS: 100 << 20, MemoryCache: 800 << 20},
	}
	b.engine.mu.Unlock()
	n := len(b.logs.since(0))
	if err := b.agent.checkMemory(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := []string{"heroku[web.1]: Process running mem=520M(101.6%)", "heroku[web.1]: Error R14 (Memory quota exceeded)"}
	if diff := cmp.Diff(want, b.logs.since(n)); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
}

func TestADynoIsToldThatItsDiskIsFull(t *testing.T) {
	for _, c := range []struct {
		name  string
		stats kigo.RunStats
		line  string
	}{
		{"empty", kigo.RunStats{Disk: 1 << 20, DiskSize: 4 << 30, Files: 10, MaxFiles: 1000}, ""},
		{"unlimited", kigo.RunStats{Disk: 1 << 40, Files: 1 << 30}, ""},
		{"bytes", kigo.RunStats{Disk: 4 << 30, DiskSize: 4 << 30, Files: 10, MaxFiles: 1000}, "Disk quota exceeded: /app and /tmp hold 4096M of 4096M and 10 of 1000 files"},
		{"files", kigo.RunStats{Disk: 1 << 20, DiskSize: 4 << 30, Files: 1000, MaxFiles: 1000}, "Disk quota exceeded: /app and /tmp hold 1M of 4096M and 1000 of 1000 files"},
	} {
		b := newBench(t)
		d := b.create(kigo.Dyno{Type: "worker", Number: 1, Command: "./work"})
		b.ready(d.ID)
		b.said("heroku[worker.1]: State changed from starting to up")
		b.engine.mu.Lock()
		b.engine.stats = map[kigo.DynoID]kigo.RunStats{RunID(d): c.stats}
		b.engine.mu.Unlock()
		n := len(b.logs.since(0))
		if err := b.agent.checkMemory(t.Context()); err != nil {
			t.Fatal(err)
		}
		got := strings.Join(b.logs.since(n), "\n")
		if want := strings.TrimSuffix("heroku[worker.1]: "+c.line, "heroku[worker.1]: "); got != want {
			t.Errorf("%s: log %q, want %q", c.name, got, want)
		}
	}
}

func TestADynoThatWasStoppedForItsDiskSaysSo(t *testing.T) {
	b := newBench(t)
	d := b.create(kigo.Dyno{Type: "worker", Number: 1, Command: "./work"})
	b.ready(d.ID)
	b.end(d.ID, func(s *kigo.RunStatus) {
		s.ExitCode, s.Reason = 137, "it took most of the machine's disk, which was almost full"
	})
	b.until("its line", func() bool {
		return b.logs.has("heroku[worker.1]: Error R99 (Platform error) -> The dyno was stopped: it took most of the machine's disk, which was almost full")
	})
}

func TestADynoKilledForMemoryIsR15(t *testing.T) {
	b := newBench(t)
	d := b.create(kigo.Dyno{Type: "worker", Number: 1, Command: "./work"})
	b.ready(d.ID)
	b.said("heroku[worker.1]: State changed from starting to up")
	n := len(b.logs.since(0))
	b.end(d.ID, func(s *kigo.RunStatus) { s.ExitCode, s.OOM = 137, true })
	b.until("the crash", func() bool { return b.row(d.ID).Reason == "Memory quota vastly exceeded" })
	want := []string{
		"heroku[worker.1]: Process running mem=1024M(200.0%)",
		"heroku[worker.1]: Error R15 (Memory quota vastly exceeded)",
		"heroku[worker.1]: Stopping process with SIGKILL",
		"heroku[worker.1]: Process exited with status 137",
		"heroku[worker.1]: State changed from up to crashed",
	}
	b.until("all lines", func() bool { return len(b.logs.since(n)) >= len(want) })
	if diff := cmp.Diff(want, b.logs.since(n)[:len(want)]); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
}

type damaged struct{}

func (damaged) Error() string               { return "damaged" }
func (damaged) Checksums() (string, string) { return "sha256:aa", "sha256:bb" }

func TestADamagedSlugIsR17AndDoesNotStart(t *testing.T) {
	b := newBench(t)
	b.engine.mu.Lock()
	b.engine.fail = fmt.Errorf("mount: %w", damaged{})
	b.engine.mu.Unlock()
	d := b.create(kigo.Dyno{Type: "web", Number: 1, Command: "./web"})
	b.until("the crash", func() bool { return b.row(d.ID).Crashes == 1 })
	want := []string{
		"heroku[web.1]: Starting process with command `./web`",
		"heroku[web.1]: Error R17 (Checksum error) -> Checksum does match expected value. Expected: SHA256:aa Actual: SHA256:bb",
		"heroku[web.1]: State changed from starting to crashed",
	}
	b.until("all lines", func() bool { return len(b.logs.since(0)) >= len(want) })
	if diff := cmp.Diff(want, b.logs.since(0)[:3]); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
	b.ready(d.ID) // the image has been repaired
}

type unconfined struct{}

func (unconfined) Error() string { return "check confinement: Seccomp is 0" }
func (unconfined) Unconfined()   {}

func TestADynoThatWasNotConfinedIsSaidToHaveBeenKilled(t *testing.T) {
	b := newBench(t)
	b.engine.mu.Lock()
	b.engine.fail = fmt.Errorf("start: %w", unconfined{})
	b.engine.mu.Unlock()
	d := b.create(kigo.Dyno{Type: "web", Number: 1, Command: "./web"})
	b.until("the line", func() bool {
		return b.logs.has("heroku[web.1]: Error R99 (Platform error) -> The dyno was killed at its start, as it was not confined: start: check confinement: Seccomp is 0")
	})
	b.ready(d.ID) // the runtime has been mended
}

func TestAOneOffEndsWhenItsTimeIsOver(t *testing.T) {
	b := newBench(t)
	d := b.create(kigo.Dyno{Type: "run", Number: 1234, Command: "sleep 1000", OneOff: true, TTL: 50 * time.Millisecond})
	b.ready(d.ID)
	b.until("a stop", func() bool {
		s, err := b.engine.Status(t.Context(), RunID(d))
		return err == nil && s.State == kigo.RunStopping
	})
	b.end(d.ID, func(s *kigo.RunStatus) { s.ExitCode = 143 })
	b.until("the row to go", func() bool { return b.row(d.ID).ID == "" })
	want := []string{
		"heroku[run.1234]: Time to live of 50ms is over",
		"heroku[run.1234]: Stopping all processes with SIGTERM",
		"heroku[run.1234]: Process exited with status 143",
		"heroku[run.1234]: State changed from up to complete",
	}
	b.until("all lines", func() bool { return len(b.logs.since(2)) >= len(want) })
	if diff := cmp.Diff(want, b.logs.since(2)); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
}

func TestACommandRunsInsideAnotherDyno(t *testing.T) {
	b := newBench(t)
	web := b.create(kigo.Dyno{Type: "web", Number: 1, Command: "./web"})
	b.ready(web.ID)
	one := b.create(kigo.Dyno{Type: "run", Number: 1234, Command: "ls", OneOff: true, Inside: web.ID, Env: map[string]string{"E": "1"},
		Attach: kigo.Attach{Wanted: true, NoTTY: true, Secret: "s3cret"}})
	b.until("a line", func() bool { return b.logs.has("heroku[run.1234]: Awaiting client") })
	_, conn, err := b.agent.Attach(t.Context(), "s3cret")
	if err != nil {
		t.Fatal(err)
	}
	b.state(one.ID, kigo.DynoUp)
	b.engine.mu.Lock()
	execs := b.engine.execs
	b.engine.mu.Unlock()
	if len(execs) != 1 || execs[0].Command[4] != "ls" || execs[0].TTY != nil || !contains(execs[0].Env, "A=1", "E=1", "DYNO=web.1") {
		t.Errorf("exec %+v", execs)
	}
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
	b.until("the row to go", func() bool { return b.row(one.ID).ID == "" })
	if b.row(web.ID).State != kigo.DynoUp {
		t.Error("the dyno did not outlive it")
	}
	if _, _, err := b.agent.Attach(t.Context(), "s3cret"); !errors.Is(err, kigo.ErrNotFound) {
		t.Errorf("a second visit: %v", err)
	}
}

func TestACommandInsideAnotherDynoEndsWhenItsTimeIsOver(t *testing.T) {
	b := newBench(t)
	web := b.create(kigo.Dyno{Type: "web", Number: 1, Command: "./web"})
	b.ready(web.ID)
	one := b.create(kigo.Dyno{Type: "run", Number: 1234, Command: "sleep 1000", OneOff: true, Inside: web.ID, TTL: 50 * time.Millisecond,
		Attach: kigo.Attach{Wanted: true, NoTTY: true, Secret: "s3cret"}})
	if _, _, err := b.agent.Attach(t.Context(), "s3cret"); err != nil {
		t.Fatal(err)
	}
	b.until("the row to go", func() bool { return b.row(one.ID).ID == "" })
	b.said("heroku[run.1234]: Time to live of 50ms is over")
	if b.row(web.ID).State != kigo.DynoUp {
		t.Error("the dyno did not outlive it")
	}
}

func contains(env []string, want ...string) bool {
	have := map[string]bool{}
	for _, v := range env {
		have[v] = true
	}
	for _, v := range want {
		if !have[v] {
			return false
		}
	}
	return true
}
