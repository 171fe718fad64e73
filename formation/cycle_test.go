package formation

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kigo-dev/kigo"
)

// fleet is n up dynos of a type that all started at once, as after a deploy.
func fleet(typ string, n int, started time.Time) (all []kigo.Dyno) {
	for i := range n {
		all = append(all, kigo.Dyno{ID: kigo.DynoID(fmt.Sprint(typ, i)), Type: typ, Number: i + 1, State: kigo.DynoUp, StartedAt: started})
	}
	return all
}

func TestEveryDynoIsCycledWithinItsTimeAndNeverTwoOfATypeInOneMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		dynos := append(fleet("web", 50, start), fleet("worker", 20, start)...)
		dynos = append(dynos, kigo.Dyno{ID: "one", Type: "run", OneOff: true, State: kigo.DynoUp, StartedAt: start})
		last := map[string]time.Time{}
		cycled := map[kigo.DynoID]int{}
		latest := start.Add(kigo.MaxLife + cycleSpread + 10*time.Minute)
		for time.Now().Before(latest) {
			due, after := Cycle(time.Now(), dynos)
			for i := range dynos {
				for _, id := range due {
					if dynos[i].ID != id {
						continue
					}
					typ := dynos[i].Type
					if d := time.Since(last[typ]); d < time.Minute {
						t.Fatalf("%s %v after another %s", id, d, typ)
					}
					if age := time.Since(start); age < kigo.MaxLife {
						t.Fatalf("%s after %v", id, age)
					}
					last[typ] = time.Now()
					cycled[id]++
					dynos[i].StartedAt, dynos[i].Restarts = time.Now(), dynos[i].Restarts+1
				}
			}
			if after <= 0 {
				t.Fatal("never again")
			}
			time.Sleep(after)
		}
		if len(cycled) != 70 {
			t.Errorf("%d of 70 cycled by %v", len(cycled), latest.Sub(start))
		}
		for id, n := range cycled {
			if n != 1 {
				t.Errorf("%s %d times", id, n)
			}
		}
	})
}

func TestCyclingWaitsForAReplacementThatStarts(t *testing.T) {
	now := time.Now()
	dynos := fleet("web", 2, now.Add(-30*time.Hour))
	if due, _ := Cycle(now, dynos); len(due) != 1 {
		t.Fatalf("due %v", due)
	}
	for name, change := range map[string]func(*kigo.Dyno){
		"starting": func(d *kigo.Dyno) { d.State = kigo.DynoStarting },
		"retiring": func(d *kigo.Dyno) { d.Retire = true },
		"stopping": func(d *kigo.Dyno) { d.Stop = true },
	} {
		busy := fleet("web", 2, now.Add(-30*time.Hour))
		change(&busy[0])
		if due, after := Cycle(now, busy); len(due) != 0 || after != time.Minute {
			t.Errorf("%s: due %v, after %v", name, due, after)
		}
	}
	if due, after := Cycle(now, nil); due != nil || after != 0 {
		t.Errorf("nothing: %v %v", due, after)
	}
}

func TestAClockThatJumpsCyclesNoTwoDynosOfATypeAtOnce(t *testing.T) {
	now := time.Now()
	dynos := fleet("web", 5, now)
	if due, after := Cycle(now.Add(90*24*time.Hour), dynos); len(due) != 1 || after != time.Minute {
		t.Errorf("three months ahead: due %v, after %v", due, after)
	}
	if due, after := Cycle(now.Add(-90*24*time.Hour), dynos); len(due) != 0 || after <= 0 {
		t.Errorf("set back by three months: due %v, after %v", due, after)
	}
}
