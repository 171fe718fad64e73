package router

import (
	"bytes"
	"hash/maphash"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/kigo-dev/kigo"
)

// table leads from a host to an app. Requests read it without a lock while
// changes are made in place: a host leads to its old app or to its new one at
// every moment, never to none between. Apps and dynos in it are the running ones,
// which carry the counts.
type table struct {
	revision atomic.Int64
	ready    atomic.Bool // something was ever applied
	index    index
	roll     roll

	mu     sync.Mutex // of changes and of what follows
	apps   map[kigo.AppID]*app
	rivals map[uint64][]*app // by hash of a host: apps that list it too, and do not get it
}

func newTable() *table {
	return &table{index: index{seed: maphash.MakeSeed()}, apps: map[kigo.AppID]*app{}, rivals: map[uint64][]*app{}}
}

// find returns the app of a host as the client sent it, or nil. The longest
// matching name wins: an exact one, else the wildcard of its parent.
func (t *table) find(host, scratch []byte) *app {
	name := canonicalHost(scratch, host)
	if n, ok := t.index.lookup(textOf(name)); ok {
		return t.roll.get(n)
	}
	dot := bytes.IndexByte(name, '.')
	if dot < 1 {
		return nil
	}
	name[dot-1] = '*'
	if n, ok := t.index.lookup(textOf(name[dot-1:])); ok {
		return t.roll.get(n)
	}
	return nil
}

// app is the running app of an id, or nil.
func (t *table) app(id kigo.AppID) *app {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.apps[id]
}

// all are the running apps.
func (t *table) all() []*app {
	t.mu.Lock()
	defer t.mu.Unlock()
	list := make([]*app, 0, len(t.apps))
	for _, a := range t.apps {
		list = append(list, a)
	}
	return list
}

func (t *table) count() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.apps)
}

// applySnapshot makes the table say what s says, and returns the dynos that
// requests no longer go to.
func (t *table) applySnapshot(s *Snapshot) []*dyno {
	t.mu.Lock()
	defer t.mu.Unlock()
	there := make(map[kigo.AppID]struct{}, len(s.Apps))
	for i := range s.Apps {
		there[s.Apps[i].ID] = struct{}{}
	}
	hosts := 0
	for i := range s.Apps {
		hosts += len(s.Apps[i].Hosts)
	}
	t.reserve(len(s.Apps), hosts)
	var gone []kigo.AppID
	for id := range t.apps {
		if _, ok := there[id]; !ok {
			gone = append(gone, id)
		}
	}
	return t.apply(s.Revision, s.Apps, gone)
}

// reserve makes room in an empty table.
func (t *table) reserve(apps, hosts int) {
	const length = 40 // of names in the wild, about; with longer ones shards grow once
	if len(t.apps) == 0 {
		t.apps = make(map[kigo.AppID]*app, apps)
		t.index.reserve(hosts, length)
	}
}

// applyChange is applySnapshot for some apps; false when c does not build on
// what the table says.
func (t *table) applyChange(c *Change) (unused []*dyno, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.ready.Load() || c.Base != t.revision.Load() {
		return nil, false
	}
	return t.apply(c.Revision, c.Apps, c.Gone), true
}

// apply gives all hosts before it takes any.
func (t *table) apply(revision int64, apps []App, gone []kigo.AppID) (unused []*dyno) {
	type former struct {
		app    *app
		hashes []uint64
	}
	var formers []former
	for i := range apps {
		spec := apps[i]
		a := t.apps[spec.ID]
		if a == nil {
			a = &app{id: spec.ID}
			a.number = t.roll.add(a)
			t.apps[a.id] = a
		}
		hosts := spec.Hosts
		spec.Hosts = nil // the index has them
		renamed := a.view.Load() == nil || a.view.Load().Name != spec.Name
		unused = append(unused, a.update(spec)...)
		old := a.hosts
		if a.hosts = t.hashes(hosts); renamed || !slices.Equal(old, a.hosts) {
			had := old
			if renamed { // which may change who gets each
				had = nil
			}
			t.claim(a, hosts, had)
			if len(old) > 0 {
				formers = append(formers, former{a, old})
			}
		}
	}
	for _, f := range formers {
		keeps := among(f.app.hosts)
		for _, h := range f.hashes {
			if !keeps(h) {
				t.release(h, f.app)
			}
		}
	}
	for _, id := range gone {
		if a := t.apps[id]; a != nil {
			unused = append(unused, t.drop(a)...)
		}
	}
	t.revision.Store(revision)
	t.ready.Store(true)
	return unused
}

func (t *table) drop(a *app) []*dyno {
	for _, h := range a.hosts {
		t.release(h, a)
	}
	t.roll.drop(a.number)
	delete(t.apps, a.id)
	return a.update(App{ID: a.id, Name: a.view.Load().Name})
}

func (t *table) hashes(hosts []string) []uint64 {
	if len(hosts) == 0 {
		return nil
	}
	hashes := make([]uint64, 0, len(hosts))
	for _, h := range hosts {
		hashes = append(hashes, t.index.hash(h))
	}
	return hashes
}

// claim makes those of an app's hosts lead to it that are not in had. Of several apps
// that list one, the app that has the name now gets it, not one that had it; else
// who had it first.
func (t *table) claim(a *app, hosts []string, had []uint64) {
	known := among(had)
	for i, host := range hosts {
		h := a.hosts[i]
		if known(h) || len(host) > hostMost { // no request can name one that long
			continue
		}
		n, found := t.index.find(h, host)
		if !found {
			t.index.put(h, host, a.number)
			continue
		}
		owner := t.roll.get(n)
		if owner != a && !slices.Contains(t.rivals[h], a) {
			t.rivals[h] = append(t.rivals[h], a)
		}
		if next := t.heir(h, host); next != nil && !owner.named(host) && next.named(host) {
			t.unrival(h, next)
			t.rivals[h] = append(t.rivals[h], owner)
			t.index.put(h, host, next.number)
		}
	}
}

// among tells which hashes are among some.
func among(some []uint64) func(uint64) bool {
	const few = 32
	if len(some) <= few {
		return func(h uint64) bool { return slices.Contains(some, h) }
	}
	set := make(map[uint64]struct{}, len(some))
	for _, h := range some {
		set[h] = struct{}{}
	}
	return func(h uint64) bool { _, there := set[h]; return there }
}

// named reports whether host is the app's own name, on any domain.
func (a *app) named(host string) bool {
	name := a.view.Load().Name
	return len(host) > len(name) && host[len(name)] == '.' && strings.HasPrefix(host, name)
}

// heir is the rival that gets a host when its app leaves it, or nil.
func (t *table) heir(h uint64, host string) *app {
	rivals := t.rivals[h]
	for _, a := range rivals {
		if a.named(host) {
			return a
		}
	}
	if len(rivals) > 0 {
		return rivals[0]
	}
	return nil
}

// release takes a host from an app; another that lists it gets it.
func (t *table) release(h uint64, a *app) {
	t.unrival(h, a)
	s, slot := t.index.owned(h, a.number)
	if slot < 0 {
		return
	}
	host := hostOf(s.entry(s.slots[slot].Load()))
	if next := t.heir(h, host); next != nil {
		t.unrival(h, next)
		t.index.put(h, host, next.number)
		return
	}
	t.index.remove(h, a.number)
}

func (t *table) unrival(h uint64, a *app) {
	if rivals, ok := t.rivals[h]; ok {
		if rivals = slices.DeleteFunc(rivals, func(r *app) bool { return r == a }); len(rivals) == 0 {
			delete(t.rivals, h)
		} else {
			t.rivals[h] = rivals
		}
	}
}

// roll numbers the apps. A number is never given twice: who has just found it in
// the index gets its app or none.
type roll struct {
	pages atomic.Pointer[[]*rollPage]
	next  uint32
}

type rollPage [1024]atomic.Pointer[app]

func (r *roll) get(n uint32) *app {
	pages := r.pages.Load()
	if pages == nil {
		return nil
	}
	return (*pages)[n/uint32(len(rollPage{}))][n%uint32(len(rollPage{}))].Load()
}

func (r *roll) add(a *app) uint32 {
	n := r.next
	r.next++
	if n%uint32(len(rollPage{})) == 0 {
		var pages []*rollPage
		if old := r.pages.Load(); old != nil {
			pages = slices.Clone(*old)
		}
		pages = append(pages, new(rollPage))
		r.pages.Store(&pages)
	}
	(*r.pages.Load())[n/uint32(len(rollPage{}))][n%uint32(len(rollPage{}))].Store(a)
	return n
}

func (r *roll) drop(n uint32) {
	(*r.pages.Load())[n/uint32(len(rollPage{}))][n%uint32(len(rollPage{}))].Store(nil)
}
