package formation

import (
	"testing"
	"time"

	"github.com/kigo-dev/kigo"
)

func TestAReleaseIsJudgedByItsWebDynos(t *testing.T) {
	old := kigo.Dyno{Type: "web", Number: 1, Version: 4, Release: "four", State: kigo.DynoUp}
	fresh := func(state kigo.DynoState, crashes int, reason string) kigo.Dyno {
		return kigo.Dyno{Type: "web", Number: 1, Version: 5, Release: "five", State: state, Crashes: crashes, Reason: reason}
	}
	exited := "Process exited with status 1"
	tests := []struct {
		name   string
		dynos  []kigo.Dyno
		reason string
	}{
		{"still booting", []kigo.Dyno{old, fresh(kigo.DynoStarting, 0, "")}, ""},
		{"crashed once: it is tried again", []kigo.Dyno{old, fresh(kigo.DynoCrashed, 1, exited)}, ""},
		{"the second try", []kigo.Dyno{old, fresh(kigo.DynoStarting, 1, exited)}, ""},
		{"crashed twice", []kigo.Dyno{old, fresh(kigo.DynoCrashed, 2, exited)}, "web.1: " + exited},
		{"never bound", []kigo.Dyno{old, fresh(kigo.DynoCrashed, 1, "Boot timeout")}, "web.1: Boot timeout"},
		{"killed for memory", []kigo.Dyno{old, fresh(kigo.DynoCrashed, 1, "Memory quota vastly exceeded")}, "web.1: Memory quota vastly exceeded"},
		{"5xx on its readiness path", []kigo.Dyno{old, fresh(kigo.DynoCrashed, 1, "Readiness check GET / was answered with 500")}, "web.1: Readiness check GET / was answered with 500"},
		{"another of its dynos serves", []kigo.Dyno{old, fresh(kigo.DynoCrashed, 2, exited), fresh(kigo.DynoUp, 0, "")}, ""},
		{"another of its dynos may yet serve", []kigo.Dyno{old, fresh(kigo.DynoCrashed, 2, exited), fresh(kigo.DynoStarting, 0, "")}, ""},
		{"nothing else serves", []kigo.Dyno{fresh(kigo.DynoCrashed, 2, exited)}, ""},
		{"what else there was is stopping", []kigo.Dyno{{Type: "web", Version: 4, Release: "four", State: kigo.DynoUp, Stop: true}, fresh(kigo.DynoCrashed, 2, exited)}, ""},
		{"a worker crashes", []kigo.Dyno{old, {Type: "worker", Version: 5, State: kigo.DynoCrashed, Crashes: 3}}, ""},
		{"no room", []kigo.Dyno{old, fresh(kigo.DynoStarting, 0, "No room: …")}, ""},
	}
	for _, tt := range tests {
		reason, serving := Verdict(kigo.Release{Version: 5}, "", tt.dynos)
		if reason != tt.reason || (reason != "") != (serving == "four") {
			t.Errorf("%s: %q, serving %q; want %q", tt.name, reason, serving, tt.reason)
		}
	}
}

func TestOnProbationAReleaseThatKeepsCrashingGivesWayToTheLastProvenOne(t *testing.T) {
	crashed := func(crashes int, reason string) kigo.Dyno {
		return kigo.Dyno{Type: "web", Number: 1, Version: 5, State: kigo.DynoCrashed, Crashes: crashes, Reason: reason}
	}
	tests := []struct {
		name     string
		release  kigo.Release
		fallback kigo.ReleaseID
		dynos    []kigo.Dyno
		instead  kigo.ReleaseID
	}{
		{"it took over and crashed once: it is tried again", kigo.Release{Version: 5}, "three", []kigo.Dyno{crashed(1, "Process exited with status 1")}, ""},
		{"it took over and crashed twice", kigo.Release{Version: 5}, "three", []kigo.Dyno{crashed(2, "Process exited with status 1")}, "three"},
		{"it was killed for memory", kigo.Release{Version: 5}, "three", []kigo.Dyno{crashed(1, "Memory quota vastly exceeded")}, "three"},
		{"nothing has proven itself before", kigo.Release{Version: 5}, "", []kigo.Dyno{crashed(2, "Process exited with status 1")}, ""},
		{"it has proven itself", kigo.Release{Version: 5, ProvenAt: time.Now()}, "three", []kigo.Dyno{crashed(9, "Process exited with status 1")}, ""},
		{"the one before still serves", kigo.Release{Version: 5}, "three", []kigo.Dyno{crashed(2, "x"), {Type: "web", Version: 4, Release: "four", State: kigo.DynoUp}}, "four"},
		{"it has no web dynos", kigo.Release{Version: 5}, "three", []kigo.Dyno{{Type: "worker", Version: 5, State: kigo.DynoCrashed, Crashes: 4}}, ""},
	}
	for _, tt := range tests {
		if _, got := Verdict(tt.release, tt.fallback, tt.dynos); got != tt.instead {
			t.Errorf("%s: %q instead, want %q", tt.name, got, tt.instead)
		}
	}
}

func TestAReleaseIsProvenByOneWebDynoThatServesForLongEnough(t *testing.T) {
	const probation = time.Minute
	now := time.Now()
	web := func(version int, state kigo.DynoState, since time.Duration) kigo.Dyno {
		return kigo.Dyno{Type: "web", Version: version, State: state, UpdatedAt: now.Add(-since)}
	}
	tests := []struct {
		name   string
		dynos  []kigo.Dyno
		proven bool
		after  time.Duration
	}{
		{"no dynos", nil, false, 0},
		{"just up", []kigo.Dyno{web(5, kigo.DynoUp, time.Second)}, false, probation - time.Second},
		{"up for long enough", []kigo.Dyno{web(5, kigo.DynoUp, time.Second), web(5, kigo.DynoUp, probation)}, true, 0},
		{"asleep for long enough", []kigo.Dyno{web(5, kigo.DynoIdle, probation)}, true, 0},
		{"the next to look at", []kigo.Dyno{web(5, kigo.DynoUp, time.Second), web(5, kigo.DynoUp, 2*time.Second)}, false, probation - 2*time.Second},
		{"an older one", []kigo.Dyno{web(4, kigo.DynoUp, probation)}, false, 0},
		{"crashed", []kigo.Dyno{web(5, kigo.DynoCrashed, probation)}, false, 0},
	}
	for _, tt := range tests {
		proven, after := Proven(now, probation, kigo.Release{Version: 5}, tt.dynos)
		if proven != tt.proven || after != tt.after {
			t.Errorf("%s: %v %v, want %v %v", tt.name, proven, after, tt.proven, tt.after)
		}
	}
}
