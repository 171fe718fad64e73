package patch

import (
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/store"
)

// Place is where an app stands with respect to the newest image of its stack.
type Place string

const (
	On       Place = "on"       // it runs on it
	Moving   Place = "moving"   // its dynos are being replaced
	Waiting  Place = "waiting"  // its turn has not come
	Returned Place = "returned" // it did not come up, and runs on the image before
)

// patience is how long a patch has to do with what becomes of an app's dynos.
const patience = 10 * time.Minute

// member is one app of a stack.
type member struct {
	app   kigo.App
	place Place
	why   string // of one that returned
	bad   string // a dyno without requests that does not stay up on the new image, and why; empty: none
	cur   kigo.Release
}

// survey reads where every app of a stack stands. Failures before since do not count.
func survey(tx *store.Tx, stack, base string, since time.Time) (all []member, err error) {
	apps, err := tx.Apps()
	if err != nil {
		return nil, err
	}
	for _, app := range apps {
		if app.Destroying {
			continue
		}
		releases, err := tx.Releases(app.ID)
		if err != nil {
			return nil, err
		}
		m := member{app: app, place: Waiting}
		for _, r := range releases { // newest first
			if r.Current {
				m.cur = r
				break
			}
			if r.Base == base && r.Status == kigo.ReleaseFailed && r.Failure != "" && r.CreatedAt.After(since) {
				m.place, m.why = Returned, r.Failure
			}
		}
		if m.cur.Slug == "" || m.cur.Stack != stack {
			continue
		}
		if m.cur.Base == base {
			dynos, err := tx.Dynos(app.ID)
			if err != nil {
				return nil, err
			}
			if m.place, m.bad = settled(m.cur, dynos); time.Since(m.cur.CreatedAt) > patience {
				m.place, m.bad = On, "" // whatever is wrong with it now came later
			}
		}
		all = append(all, m)
	}
	return all, nil
}

// settled says whether an app's dynos have all been replaced and come up, and of
// one that crashes why. It is pure.
func settled(current kigo.Release, dynos []kigo.Dyno) (place Place, bad string) {
	place = On
	for _, d := range dynos {
		if d.OneOff {
			continue
		}
		up := d.State == kigo.DynoUp || d.State == kigo.DynoIdle
		if d.Version == current.Version && !d.Stop && !up && d.Crashes > 1 {
			bad = d.Name() + ": " + d.Reason
		}
		if d.Version != current.Version || d.Stop || !up {
			place = Moving
		}
	}
	return place, bad
}
