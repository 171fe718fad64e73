package formation

import (
	"testing"

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
		reason, serving := Verdict(5, tt.dynos)
		if reason != tt.reason || (reason != "") != (serving == "four") {
			t.Errorf("%s: %q, serving %q; want %q", tt.name, reason, serving, tt.reason)
		}
	}
}
