package router

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kigo-dev/kigo"
)

func (t *table) owner(host string) kigo.AppID {
	if a := t.find([]byte(host), nil); a != nil {
		return a.id
	}
	return ""
}

// TestTheTableSaysWhatItsChangesSay holds the table, under random changes of few
// names, to a map made from scratch.
func TestTheTableSaysWhatItsChangesSay(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Log("seed", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	table, now := newTable(), map[kigo.AppID]App{}
	table.applySnapshot(&Snapshot{})
	for step := range int64(3000) {
		c := &Change{Base: step, Revision: step + 1}
		for range 1 + random.IntN(4) {
			id := kigo.AppID(fmt.Sprint("app", random.IntN(20)))
			if _, there := now[id]; there && random.IntN(4) == 0 {
				c.Gone = append(c.Gone, id)
				delete(now, id)
				continue
			}
			a := App{ID: id, Name: fmt.Sprint("n", random.IntN(30))}
			for range random.IntN(6) {
				a.Hosts = append(a.Hosts, fmt.Sprintf("n%d.test", random.IntN(30)))
			}
			c.Apps = append(c.Apps, a)
			now[id] = a
		}
		c.Gone = gone(c.Gone, now)
		if _, ok := table.applyChange(c); !ok {
			t.Fatal("a change was refused")
		}
		hosts := 0
		for n := range 30 {
			host := fmt.Sprintf("n%d.test", n)
			owner := table.owner(host)
			if owner != "" {
				hosts++
			}
			if !mayOwn(now, owner, host) {
				t.Fatalf("step %d: %s leads to %q, apps are %v", step, host, owner, now)
			}
		}
		if table.index.size != hosts {
			t.Fatalf("step %d: the index counts %d hosts, there are %d", step, table.index.size, hosts)
		}
	}
}

// gone leaves out apps that the same change made again.
func gone(ids []kigo.AppID, now map[kigo.AppID]App) (left []kigo.AppID) {
	for _, id := range ids {
		if _, there := now[id]; !there {
			left = append(left, id)
		}
	}
	return left
}

// mayOwn says whether a host may lead to owner: an app that lists it, with the
// name if one of those has it; none only if none lists it.
func mayOwn(apps map[kigo.AppID]App, owner kigo.AppID, host string) bool {
	listed, named, owns, ownsName := false, false, false, false
	for id, a := range apps {
		for _, h := range a.Hosts {
			if h == host {
				listed = true
				owns = owns || id == owner
				if a.Name+".test" == host {
					named = true
					ownsName = ownsName || id == owner
				}
			}
		}
	}
	if !listed {
		return owner == ""
	}
	return owns && (ownsName || !named)
}

func TestAHostThatMovesLeadsSomewhereAtEveryMoment(t *testing.T) {
	t.Parallel()
	table := newTable()
	table.applySnapshot(&Snapshot{Apps: []App{{ID: "one", Name: "one", Hosts: []string{"moves.test"}}, {ID: "two", Name: "two"}}})
	ctx, stop := context.WithCancel(t.Context())
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			for ctx.Err() == nil {
				if o := table.owner("moves.test"); o != "one" && o != "two" {
					t.Errorf("it leads to %q", o)
					return
				}
			}
		})
	}
	for n := range int64(5000) {
		a, b := App{ID: "one", Name: "one"}, App{ID: "two", Name: "two", Hosts: []string{"moves.test"}}
		if n%2 == 1 {
			a.Hosts, b.Hosts = b.Hosts, nil
		}
		if n%3 == 0 {
			table.applySnapshot(&Snapshot{Revision: n + 1, Apps: []App{a, b}})
		} else {
			table.applyChange(&Change{Base: n, Revision: n + 1, Apps: []App{b, a}})
		}
	}
	stop()
	readers.Wait()
}

func TestAFeedSendsWhatChangesAndAWholeSnapshotToANewRouter(t *testing.T) {
	t.Parallel()
	socket := shortSocket(t)
	feed, _ := startFeed(t, socket)
	app := func(name string, hosts ...string) App { return App{ID: kigo.AppID(name), Name: name, Hosts: hosts} }
	path := filepath.Join(t.TempDir(), "routes")
	config := Config{Limits: calm, Socket: socket, SnapshotPath: path}
	first := startRouter(t, config)
	feed.Send(&Snapshot{Revision: 1, Apps: []App{app("a", "a.test"), app("b", "b.test"), app("c", "c.test")}})
	waitFor(t, feed, 1)
	feed.Update(2, []App{app("b", "new.test"), app("d", "d.test")}, []kigo.AppID{"a"})
	waitFor(t, feed, 2)
	check := func(r *rig) {
		t.Helper()
		got := map[string]kigo.AppID{}
		for _, host := range []string{"a.test", "b.test", "new.test", "c.test", "d.test"} {
			got[host] = r.table.owner(host)
		}
		if diff := cmp.Diff(map[string]kigo.AppID{"a.test": "", "b.test": "", "new.test": "b", "c.test": "c", "d.test": "d"}, got); diff != "" {
			t.Error(diff)
		}
	}
	check(first)
	eventually(t, "the change in the file", func() bool {
		s, err := ReadRoutes(path)
		return err == nil && s.Revision == 2
	})
	if err := first.Change(&Change{Base: 1, Revision: 3}); err == nil {
		t.Error("a change of older routes was accepted")
	}
	if err := first.Apply(&Snapshot{Revision: 1}); err != nil { // as if by another control
		t.Fatal(err)
	}
	eventually(t, "the feed to notice", func() bool { return feed.Acked() == 1 })
	feed.Update(3, []App{app("d", "d.test"), app("e", "e.test")}, nil)
	waitFor(t, feed, 3)
	check(first)
	first.stop()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	var next bytes.Buffer
	_ = (&routesWriter{w: &next}).change(&Change{Revision: 4, Gone: []kigo.AppID{"b"}})
	_, _ = f.Write(next.Bytes()[:next.Len()-1]) // a crash in the middle of it
	_ = f.Close()
	config.Socket = ""
	second := startRouter(t, config)
	check(second)
	if second.Revision() != 3 || second.table.owner("e.test") != "e" {
		t.Errorf("revision %d", second.Revision())
	}
}

func TestTheFileOfRoutesIsWrittenAnewWhenItHasGrown(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "routes")
	k := newKeeper(path, func(err error) { t.Error(err) })
	write := func(what ...any) {
		t.Helper()
		if err := k.write(what); err != nil {
			t.Fatal(err)
		}
	}
	write(&Snapshot{Revision: 0, Apps: []App{{ID: "a", Name: "a"}}})
	var c *Change
	most := int64(0)
	for n := range int64(30) {
		var hosts []string
		for i := range 5000 {
			hosts = append(hosts, fmt.Sprintf("host%d-%d.test", n, i))
		}
		c = &Change{Base: n, Revision: n + 1, Apps: []App{{ID: "a", Name: "a", Hosts: hosts}}}
		write(c)
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		most = max(most, info.Size())
	}
	k.close()
	if most > 2*journalLeast {
		t.Errorf("the file was %d bytes long", most)
	}
	s, err := ReadRoutes(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&Snapshot{Revision: 30, Apps: c.Apps}, s); diff != "" {
		t.Error(diff)
	}
}

func TestControlLearnsWhoWaitsForADynoAndWhoWasAsked(t *testing.T) {
	t.Parallel()
	socket := shortSocket(t)
	r := startRouter(t, Config{Limits: calm, Socket: socket})
	sleeping := App{ID: "a1", Name: "demo", Hosts: []string{"demo.test"}, Released: true, WebQuantity: 1,
		Dynos: []Dyno{{ID: "d1", Name: "web.1", State: kigo.DynoIdle}}}
	r.apply(t, sleeping)
	demands := make(chan Demand, 100)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = Watch(ctx, socket, func(d Demand) { demands <- d }) }()
	defer func() { cancel(); <-ended }()
	next := func() Demand {
		t.Helper()
		select {
		case d := <-demands:
			return d
		case <-time.After(30 * time.Second):
			t.Fatal("no demand came")
		}
		panic("unreachable")
	}
	if d := next(); len(d.Waiting) != 0 || len(d.Used) != 0 {
		t.Errorf("before any request: %+v", d)
	}
	eventually(t, "the clock's first tick", func() bool { return r.clock.now.Load() > 0 })
	c, _ := dialRaw(t, r.addr)
	fmt.Fprint(c, plainGet)
	if diff := cmp.Diff([]kigo.AppID{"a1"}, next().Waiting); diff != "" {
		t.Error(diff)
	}
	r.serve(t, rawDyno(t, answering("HTTP/1.1 204 No Content\r\n\r\n")))
	if d := next(); len(d.Waiting) != 0 {
		t.Errorf("after it was woken: %+v", d)
	}
	used, since := r.used(0)
	if at := used["a1"]; len(used) != 1 || time.Since(at) > time.Minute || time.Until(at) > 0 {
		t.Errorf("used %v", used)
	}
	r.logs.find(t, "status=204")
	eventually(t, "an app that is no longer used", func() bool { used, since = r.used(since); return len(used) == 0 })
}
