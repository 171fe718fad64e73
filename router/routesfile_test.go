package router

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kigo-dev/kigo"
)

// filled gives every field of an App, and of what is in it, a value of its own.
func filled(seed int) App {
	var a App
	n := seed
	var fill func(v reflect.Value)
	fill = func(v reflect.Value) {
		n++
		switch v.Kind() {
		case reflect.String:
			v.SetString(fmt.Sprintf("value-%d-\x00ä", n))
		case reflect.Bool:
			v.SetBool(true)
		case reflect.Int:
			v.SetInt(int64(n) - 3)
		case reflect.Slice:
			v.Set(reflect.MakeSlice(v.Type(), 2, 2))
			fill(v.Index(0))
			fill(v.Index(1))
		case reflect.Struct:
			for i := range v.NumField() {
				fill(v.Field(i))
			}
		default:
			panic("a kind of field that the test does not know: " + v.Kind().String())
		}
	}
	fill(reflect.ValueOf(&a).Elem())
	return a
}

func sample() (*Snapshot, *Change) {
	bare := App{ID: "b", Name: "bare", WebQuantity: -1}
	return &Snapshot{Revision: 41, Apps: []App{filled(0), bare, {ID: "c", Name: "gone", Hosts: []string{"gone.test"}}}},
		&Change{Revision: 42, Apps: []App{filled(100)}, Gone: []kigo.AppID{"c"}}
}

// routesText is a file of routes, and where its snapshot ends.
func routesText(t testing.TB, s *Snapshot, changes ...*Change) (text []byte, snapshot int) {
	t.Helper()
	var b bytes.Buffer
	w := routesWriter{w: &b}
	if err := w.snapshot(s); err != nil {
		t.Fatal(err)
	}
	snapshot = b.Len()
	for _, c := range changes {
		if err := w.change(c); err != nil {
			t.Fatal(err)
		}
	}
	if w.size != int64(b.Len()) {
		t.Fatalf("the writer counted %d bytes of %d", w.size, b.Len())
	}
	return b.Bytes(), snapshot
}

func writeFile(t testing.TB, path string, text []byte) {
	t.Helper()
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestAFileOfRoutesSaysEveryFieldOfAnApp(t *testing.T) {
	t.Parallel()
	s, c := sample()
	path := filepath.Join(t.TempDir(), "routes")
	text, _ := routesText(t, s, c)
	writeFile(t, path, text)
	got, err := ReadRoutes(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&Snapshot{Revision: 42, Apps: []App{s.Apps[0], s.Apps[1], c.Apps[0]}}, got); diff != "" {
		t.Error(diff)
	}
}

// TestADamagedFileOfRoutesIsNoticedWhereverItIsDamaged flips every bit in turn, and
// cuts the file at every byte: the snapshot is whole or refused, and of the changes
// those before the damage count.
func TestADamagedFileOfRoutesIsNoticedWhereverItIsDamaged(t *testing.T) {
	t.Parallel()
	s, c := sample()
	text, snapshot := routesText(t, s, c)
	check := func(what string, damaged []byte, whole bool, revision int64) {
		t.Helper()
		path := filepath.Join(t.TempDir(), "routes")
		writeFile(t, path, damaged)
		table := newTable()
		kept, err := table.load(path)
		lost := kept.lost
		if !whole && err == nil {
			t.Fatalf("%s: the snapshot was taken", what)
		}
		if whole && (err != nil || lost == nil || table.revision.Load() != revision) {
			t.Fatalf("%s: error %v, lost %v, revision %d", what, err, lost, table.revision.Load())
		}
	}
	for at := range text {
		if at != snapshot { // where nothing is missing but the change
			check(fmt.Sprint("cut at ", at), text[:at], at > snapshot, s.Revision)
		}
		damaged := bytes.Clone(text)
		damaged[at] ^= 1 << (at % 8)
		check(fmt.Sprint("a wrong bit at ", at), damaged, at >= snapshot, s.Revision)
	}
	check("something behind the end", append(bytes.Clone(text), "and so on"...), true, c.Revision)
}

func TestARouterSaysWhyItDoesNotServeWhatWasKept(t *testing.T) {
	t.Parallel()
	s := &Snapshot{Revision: 5, Apps: []App{demo()}}
	text, _ := routesText(t, s, &Change{Revision: 6, Apps: []App{demo()}})
	nameless := demo()
	nameless.Name = ""
	invalid, _ := routesText(t, &Snapshot{Revision: 5, Apps: []App{nameless}})
	for name, c := range map[string]struct {
		text string
		says string
		lost bool // only the last change
	}{
		"empty":          {"", "it ends too early", false},
		"cut off":        {string(text[:60]), "it ends too early", false},
		"newer":          {strings.Replace(string(text), "routes 1\n", "routes 2\n", 1), "its format is 2, and this version of Kigo reads format 1", false},
		"something else": {"-----BEGIN CERTIFICATE-----\n", "it is no file of routes", false},
		"damaged":        {strings.Replace(string(text), "demo.test", "evil.test", 1), "a checksum does not match", false},
		"impossible":     {string(invalid), "an app without id or name", false},
		"torn":           {string(text[:len(text)-5]), "it ends too early", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "routes")
			writeFile(t, path, []byte(c.text))
			var log bytes.Buffer
			r := startRouter(t, Config{Limits: calm, SnapshotPath: path, Log: slog.New(slog.NewTextHandler(&log, nil))})
			if !strings.Contains(log.String(), c.says) || !strings.Contains(log.String(), path) || strings.Count(log.String(), "\n") != 1 {
				t.Errorf("log %q, want %q of %s", &log, c.says, path)
			}
			want := http.StatusServiceUnavailable // nobody knows yet which apps there are
			if c.lost {
				want = http.StatusNotFound
			}
			if res := r.raw(t, "GET / HTTP/1.1\r\nHost: other.test\r\n\r\n"); res.StatusCode != want {
				t.Errorf("status %d, want %d", res.StatusCode, want)
			}
			r.serve(t, goDyno(t, func(http.ResponseWriter, *http.Request) {})) // control speaks
			if res := r.raw(t, plainGet); res.StatusCode != http.StatusOK {
				t.Errorf("status %d once control has spoken", res.StatusCode)
			}
		})
	}
}

func TestWhatAnOlderReleaseKeptIsReadOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "routes")
	s, c := sample()
	s.Apps[2].Hosts = []string{"c.test"}
	lines, _ := json.Marshal(s)
	change, _ := json.Marshal(&Change{Base: s.Revision, Revision: 42, Apps: []App{{ID: "d", Name: "d", Hosts: []string{"d.test"}}}, Gone: c.Gone})
	writeFile(t, formerPath(path), append(append(append(lines, '\n'), change...), `{"revision":43,"gone":["d`...))
	r := startRouter(t, Config{Limits: calm, SnapshotPath: path})
	if r.Revision() != 42 || r.table.owner("d.test") != "d" || r.table.owner("c.test") != "" || r.table.count() != 3 {
		t.Errorf("revision %d, apps %d, d.test leads to %q", r.Revision(), r.table.count(), r.table.owner("d.test"))
	}
	r.stop()
	k := newKeeper(path, nil)
	if err := k.write([]any{s}); err != nil {
		t.Fatal(err)
	}
	k.close()
	if _, err := os.Stat(formerPath(path)); !os.IsNotExist(err) {
		t.Errorf("the old file is still there: %v", err)
	}
	writeFile(t, formerPath(path), []byte(`{"revision":7,"apps":[{}]}`))
	if _, err := newTable().loadFormer(formerPath(path)); err == nil {
		t.Error("an old file with an app that cannot be was taken")
	}
}

// TestWhatAnOlderReleaseKeptLaterWins is about a release that was taken back for a while:
// it wrote its own file and left ours, which says where dynos were then.
func TestWhatAnOlderReleaseKeptLaterWins(t *testing.T) {
	t.Parallel()
	ours := &Snapshot{Revision: 41, Apps: []App{{ID: "a", Name: "a", Hosts: []string{"a.test"}}, {ID: "b", Name: "b", Hosts: []string{"b.test"}}}}
	text, _ := routesText(t, ours)
	theirs, _ := json.Marshal(&Snapshot{Revision: 50, Apps: []App{{ID: "b", Name: "b", Hosts: []string{"b2.test"}}}})
	change, _ := json.Marshal(&Change{Base: 50, Revision: 51, Apps: []App{{ID: "d", Name: "d", Hosts: []string{"d.test"}}}})
	for name, c := range map[string]struct {
		theirs time.Time
		hosts  string // that lead somewhere
	}{
		"theirs is newer": {longAgo.Add(time.Second), "b2.test d.test"},
		"theirs is older": {longAgo.Add(-time.Second), "a.test b.test"},
		"at once":         {longAgo, "a.test b.test"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "routes")
			writeFile(t, path, text)
			writeFile(t, formerPath(path), slices.Concat(theirs, []byte("\n"), change))
			if err := errors.Join(os.Chtimes(path, longAgo, longAgo), os.Chtimes(formerPath(path), c.theirs, c.theirs)); err != nil {
				t.Fatal(err)
			}
			r := startRouter(t, Config{Limits: calm, SnapshotPath: path})
			var hosts []string
			for _, host := range []string{"a.test", "b.test", "b2.test", "d.test"} {
				if r.table.owner(host) != "" {
					hosts = append(hosts, host)
				}
			}
			if got := strings.Join(hosts, " "); got != c.hosts {
				t.Errorf("%s are served, want %s", got, c.hosts)
			}
			last := &Change{Base: r.Revision(), Revision: 60, Apps: []App{{ID: "e", Name: "e", Hosts: []string{"e.test"}}}}
			if err := r.Change(last); err != nil {
				t.Fatal(err)
			}
			r.keeper.keep(last)
			r.stop()
			s, err := ReadRoutes(path) // it builds on what was served
			if err != nil {
				t.Fatal(err)
			}
			var kept []string
			for _, a := range s.Apps {
				kept = append(kept, a.Hosts...)
			}
			if got := strings.Join(kept, " "); got != c.hosts+" e.test" || s.Revision != 60 {
				t.Errorf("%s are kept as revision %d, want %s e.test", got, s.Revision, c.hosts)
			}
			if _, err := os.Stat(formerPath(path)); !os.IsNotExist(err) {
				t.Errorf("the old file is still there: %v", err)
			}
		})
	}
}

func TestAFileThatIsWrittenAnewSaysTheLastWordOnEachApp(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "routes")
	app := func(id string, hosts ...string) App { return App{ID: kigo.AppID(id), Name: id, Hosts: hosts} }
	k := newKeeper(path, nil)
	defer k.close()
	write := func(what ...any) {
		t.Helper()
		if err := k.write(what); err != nil {
			t.Fatal(err)
		}
	}
	write(&Snapshot{Revision: 1, Apps: []App{app("a", "a.test"), app("b", "b.test"), app("c", "c.test")}},
		&Change{Revision: 2, Apps: []App{app("b", "b2.test"), app("d", "d.test"), app("e")}, Gone: []kigo.AppID{"a"}},
		&Change{Revision: 3, Apps: []App{app("d", "d2.test", "d3.test")}, Gone: []kigo.AppID{"e"}})
	before, err := ReadRoutes(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := k.renew([]any{&Change{Revision: 4, Apps: []App{app("f", "f.test")}}}); err != nil {
		t.Fatal(err)
	}
	after, err := ReadRoutes(path)
	if err != nil {
		t.Fatal(err)
	}
	before.Revision, before.Apps = 4, append(before.Apps, app("f", "f.test"))
	if diff := cmp.Diff(before, after); diff != "" {
		t.Error(diff)
	}
	if k.journal != 0 {
		t.Errorf("%d bytes of changes are left", k.journal)
	}
	was, _ := os.Stat(path)
	write(&Change{Revision: 5, Gone: []kigo.AppID{"f"}}) // goes on behind it
	if is, err := os.Stat(path); err != nil || !os.SameFile(was, is) {
		t.Errorf("one change had the whole file written: %v", err)
	}
	if s, err := ReadRoutes(path); err != nil || s.Revision != 5 || len(s.Apps) != 3 {
		t.Errorf("%+v %v", s, err)
	}
}

// TestAFileThatEndsInHalfAChangeIsWrittenAnewWithIt is about a disk that was full: the change
// waits, and what was written of it must not stand in the way.
func TestAFileThatEndsInHalfAChangeIsWrittenAnewWithIt(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "routes")
	s, c := sample()
	text, _ := routesText(t, s, c)
	writeFile(t, path, text[:len(text)-3])
	old, young := filepath.Join(filepath.Dir(path), ".routes-1"), filepath.Join(filepath.Dir(path), ".routes-2")
	for _, left := range []string{old, young} {
		writeFile(t, left, []byte("half a file"))
	}
	if err := os.Chtimes(old, longAgo, longAgo); err != nil {
		t.Fatal(err)
	}
	k := newKeeper(path, nil)
	defer k.close()
	if err := k.write([]any{c}); err != nil {
		t.Fatal(err)
	}
	if got, err := ReadRoutes(path); err != nil || got.Revision != c.Revision || len(got.Apps) != 3 {
		t.Errorf("%+v %v", got, err)
	}
	_, errOld := os.Stat(old)
	if _, errYoung := os.Stat(young); !os.IsNotExist(errOld) || errYoung != nil {
		t.Errorf("what crashes left: %v, what is being written: %v", errOld, errYoung)
	}
}

// TestRoutesThatCouldNotBeKeptAreTriedAgain is about a disk that is well again, while nothing changes.
func TestRoutesThatCouldNotBeKeptAreTriedAgain(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "router")
	writeFile(t, dir, []byte("in the way of the folder"))
	failures, stop, done := make(chan error), make(chan struct{}), make(chan struct{})
	k := newKeeper(filepath.Join(dir, "routes"), func(err error) {
		select {
		case failures <- err:
		case <-stop:
		}
	})
	go func() { k.run(tick/10, stop); close(done) }()
	s, c := sample()
	k.keep(s)
	if err := <-failures; !strings.Contains(err.Error(), "not a directory") {
		t.Error(err)
	}
	k.keep(c)
	<-failures
	<-failures // by time alone
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			select {
			case <-failures: // the last one from before
			case <-done:
				return
			}
		}
	}()
	eventually(t, "the file", func() bool { got, err := ReadRoutes(k.path); return err == nil && got.Revision == c.Revision })
	close(stop)
	<-done
}

// FuzzRoutesFile has anything read as a file of routes: it is refused, or what it
// says can be written and read again. The fuzzer's frames get valid checksums.
func FuzzRoutesFile(f *testing.F) {
	s, c := sample()
	text, snapshot := routesText(f, s, c)
	f.Add(text)
	f.Add(text[:snapshot])
	f.Add(text[:40])
	empty, _ := routesText(f, &Snapshot{})
	f.Add(empty)
	f.Fuzz(func(t *testing.T, text []byte) {
		text = withSums(text)
		got, _, err := decodeRoutes(bytes.NewReader(text), int64(len(text)))
		if _, failed := newTable().read(bytes.NewReader(text), int64(len(text))); err != nil && failed == nil {
			t.Fatalf("a table was made of it, and it has %v", err)
		}
		if err != nil {
			return
		}
		again, _ := routesText(t, got)
		same, _, err := decodeRoutes(bytes.NewReader(again), int64(len(again)))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(uniqueApps(got), uniqueApps(same)); diff != "" {
			t.Fatal(diff)
		}
	})
}

func uniqueApps(s *Snapshot) map[kigo.AppID]App {
	apps := map[kigo.AppID]App{}
	for _, a := range s.Apps {
		apps[a.ID] = a
	}
	return apps
}

// withSums gives each frame of a file its right checksum.
func withSums(text []byte) []byte {
	text = bytes.Clone(text)
	at := bytes.IndexByte(text, '\n') + 1
	for at > 0 && at+frameHead <= len(text) {
		n := int(uint32(text[at+1]) | uint32(text[at+2])<<8 | uint32(text[at+3])<<16 | uint32(text[at+4])<<24)
		if n > len(text)-at-frameHead {
			break
		}
		sum := frameSum(text[at:at+5], text[at+frameHead:at+frameHead+n])
		for i := range 4 {
			text[at+5+i] = byte(sum >> (8 * i))
		}
		at += frameHead + n
	}
	return text
}
