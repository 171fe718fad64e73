package router

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kigo-dev/kigo"
)

func TestHostsLeadToTheirAppInAnySpelling(t *testing.T) {
	t.Parallel()
	r := startRouter(t, Config{Limits: calm})
	app := func(name string, hosts ...string) App {
		return App{ID: kigo.AppID(name), Name: name, Hosts: hosts, Released: true, WebQuantity: 1,
			Dynos: []Dyno{{ID: kigo.DynoID(name), Name: "web.1", State: kigo.DynoUp,
				Addr: goDyno(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, name) })}}}
	}
	apps := []App{app("one", "one.test", "old-one.test", "one.test", "taken.test"), app("taken", "taken.test"), app("last", "taken.test"), app("wild", "*.wild.test", "wild.test"), app("exact", "exact.wild.test"), app("idna", "xn--bcher-kva.test")}
	for i := range 300 { // no rule may depend on how many there are
		apps = append(apps, App{ID: kigo.AppID(fmt.Sprint("n", i)), Name: fmt.Sprint("n", i), Hosts: []string{fmt.Sprintf("n%d.test", i)}})
	}
	r.apply(t, apps...)
	for spelled, want := range map[string]string{
		"one.test": "one", "ONE.Test": "one", "one.test.": "one", "one.test:8080": "one", "One.Test.:80": "one", "old-one.test": "one",
		"taken.test": "taken", "a.wild.test": "wild", "A.WILD.test.:1": "wild", "wild.test": "wild", "exact.wild.test": "exact", "XN--bcher-KVA.test": "idna",
		"a.b.wild.test": "", "other.test": "", "test": "", "one.test..": "", "*.wild.test": "400", "xone.test": "", "127.0.0.1": "", "[::1]:80": "",
		"one.test\x00": "400", "b\xc3\xbccher.test": "400",
	} {
		res := r.raw(t, "GET / HTTP/1.1\r\nHost: "+spelled+"\r\n\r\n")
		switch body := bodyOf(t, res); {
		case want == "" && res.StatusCode != http.StatusNotFound:
			t.Errorf("%q: %d, want 404", spelled, res.StatusCode)
		case want == "400" && res.StatusCode != http.StatusBadRequest:
			t.Errorf("%q: %d, want 400", spelled, res.StatusCode)
		case want != "" && want != "400" && body != want:
			t.Errorf("%q: %q, want %q", spelled, body, want)
		}
	}
}

func TestTheLessBusyOfTwoRandomDynosIsTaken(t *testing.T) {
	t.Parallel()
	v := &view{}
	for i := range 10 {
		v.up = append(v.up, &dyno{Dyno: Dyno{Name: fmt.Sprint(i)}})
	}
	for range 10_000 {
		v.pick(0, nil).active.Add(1)
	}
	for _, d := range v.up {
		if n := d.active.Load(); n < 990 || n > 1010 {
			t.Errorf("a dyno has %d of 10000", n)
		}
	}
}

func TestADynoSetAsideComesBack(t *testing.T) {
	t.Parallel()
	v := &view{up: []*dyno{{}, {}, {}}}
	v.up[0].aside.Store(100)
	seen := map[*dyno]bool{}
	for range 1000 {
		d := v.pick(50, nil)
		seen[d] = true
		d.active.Add(1)
	}
	if seen[v.up[0]] {
		t.Error("it was taken while set aside")
	}
	if d := v.pick(150, nil); d != v.up[0] && v.up[0].active.Load() == 0 {
		for range 20 {
			if v.pick(150, nil) == v.up[0] {
				return
			}
		}
		t.Error("it was not taken again")
	}
}

func TestAClientStaysWithTheDynoOfItsCookie(t *testing.T) {
	t.Parallel()
	r := startRouter(t, Config{Limits: calm})
	var addrs []string
	for i := range 5 {
		addrs = append(addrs, goDyno(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, i) }))
	}
	app := demo(addrs...)
	app.Affinity = true
	r.apply(t, app)
	res := r.raw(t, plainGet)
	first, cookie := bodyOf(t, res), res.Header.Get("Set-Cookie")
	if !strings.HasPrefix(cookie, "heroku-session-affinity=d") || !strings.Contains(cookie, "HttpOnly") {
		t.Fatalf("cookie %q", cookie)
	}
	pair, _, _ := strings.Cut(cookie, ";")
	with := "GET / HTTP/1.1\r\nHost: demo.test\r\nCookie: a=b; " + pair + "\r\n\r\n"
	for range 20 {
		if res := r.raw(t, with); bodyOf(t, res) != first || res.Header.Get("Set-Cookie") != "" {
			t.Fatalf("another dyno, or another cookie %v", res.Header)
		}
	}
	for i := range app.Dynos { // its dyno goes: another one, and a new cookie
		if strings.HasSuffix(pair, "="+string(app.Dynos[i].ID)) {
			app.Dynos = append(append([]Dyno{}, app.Dynos[:i]...), app.Dynos[i+1:]...)
			break
		}
	}
	r.apply(t, app)
	if res := r.raw(t, with); bodyOf(t, res) == first || res.Header.Get("Set-Cookie") == "" {
		t.Errorf("after its dyno went: %v", res.Header)
	}
}

func TestAProxyHeaderTellsTheClientsAddress(t *testing.T) {
	t.Parallel()
	two := func(verb, family byte, addresses ...byte) string {
		return string(proxySignature) + string([]byte{0x20 | verb, family, 0, byte(len(addresses))}) + string(addresses)
	}
	cases := []struct{ header, peer string }{
		{"PROXY TCP4 192.0.2.7 192.0.2.1 1234 80\r\n", "192.0.2.7"},
		{"PROXY TCP6 2001:db8::7 2001:db8::1 1234 80\r\n", "2001:db8::7"},
		{"PROXY UNKNOWN\r\n", "127.0.0.1"},
		{two(1, 0x11, 192, 0, 2, 8, 1, 1, 1, 1, 0, 1, 0, 2), "192.0.2.8"},
		{two(1, 0x21, append(append([]byte{0x20, 1, 0xd, 0xb8}, make([]byte, 11)...), append([]byte{9}, make([]byte, 20)...)...)...), "2001:db8::9"},
		{two(0, 0), "127.0.0.1"},
		{"PROXY TCP4 nonsense 192.0.2.1 1234 80\r\n", ""},
		{"PROXY TCP4 2001:db8::7 192.0.2.1 1234 80\r\n", ""},
		{"PROXY " + strings.Repeat("x", 200), ""},
		{two(1, 0x11, 1, 2), ""},
		{"", ""},
	}
	r := startRouter(t, Config{Limits: calm, ProxyHeader: true})
	r.serve(t, goDyno(t, func(w http.ResponseWriter, q *http.Request) { fmt.Fprint(w, q.Header.Get("X-Forwarded-For")) }))
	for _, c := range cases {
		conn, in := dialRaw(t, r.addr)
		fmt.Fprint(conn, c.header+plainGet)
		res, err := http.ReadResponse(in, nil)
		if c.peer == "" {
			if err == nil {
				t.Errorf("%q was accepted", c.header)
			}
			continue
		}
		if err != nil {
			t.Fatalf("%q: %v", c.header, err)
		}
		if got := bodyOf(t, res); got != c.peer {
			t.Errorf("%q: %s, want %s", c.header, got, c.peer)
		}
	}
}

func TestALineStaysOneLineWhateverTheClientSends(t *testing.T) {
	t.Parallel()
	x := &exchange{c: &conn{peer: "192.0.2.1", protocol: " protocol=http1.1 tls=false"}, began: time.Now(), status: 200}
	x.req.method = []byte("GET")
	x.req.target = []byte("/\"\\\n\x1b[31m\xff" + strings.Repeat("x", 64<<10))
	x.req.host = []byte("demo.test")
	x.req.forward = [][]byte{[]byte("a\"\nb")}
	line := x.appendLine(nil)
	want := `at=info method=GET path="/\"\\\x0a\x1b[31m\xffxxx`
	if !bytes.HasPrefix(line, []byte(want)) || bytes.ContainsAny(line, "\n\x1b\xff") || len(line) > 10_000 {
		t.Errorf("line %.200q of %d bytes", line, len(line))
	}
	if !bytes.Contains(line, []byte(`fwd="a\"\x0ab, 192.0.2.1"`)) {
		t.Errorf("line ends %q", line[len(line)-200:])
	}
}

func TestNoMoreThanTenDynosAreTried(t *testing.T) {
	t.Parallel()
	r := startRouter(t, Config{Limits: calm})
	bad := refusing(t)
	var dynos []string
	for range 12 {
		dynos = append(dynos, bad)
	}
	r.serve(t, dynos...)
	if status := r.raw(t, plainGet).StatusCode; status != http.StatusServiceUnavailable {
		t.Errorf("status %d", status)
	}
	r.logs.find(t, "code=H21")
	tried := 0
	for _, d := range r.table.app("a1").view.Load().up {
		if d.aside.Load() > 0 {
			tried++
		}
	}
	if tried != connectTries || connectTries != 10 {
		t.Errorf("%d dynos were tried", tried)
	}
}

func TestTimesAndCountsAreHerokus(t *testing.T) {
	t.Parallel()
	want := Limits{Connect: 5 * time.Second, FirstByte: 30 * time.Second, Rolling: 55 * time.Second, Boot: 75 * time.Second, Aside: 5 * time.Second,
		Idle: time.Minute, Head: 10 * time.Second, Leave: 5 * time.Second, Drain: time.Minute, Usage: 10 * time.Second,
		Backlog: 200, Tunnels: 10_000, Clients: descriptorShare(), PerClient: 1000}
	if diff := cmp.Diff(want, Limits{}.withDefaults()); diff != "" {
		t.Error(diff)
	}
	if poolIdle != 90*time.Second {
		t.Errorf("an idle connection to a dyno is kept for %s", poolIdle)
	}
}
