package logplex

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/kigo-dev/kigo"
)

type site struct {
	*httptest.Server
	hub      *Hub
	sessions *Sessions
	now      time.Time
}

func newSite(t testing.TB) *site {
	t.Helper()
	s := &site{now: time.Unix(1_000_000, 0)}
	s.hub, _ = start(t, "")
	s.sessions = &Sessions{Hub: s.hub, Key: []byte("secret"), Now: func() time.Time { return s.now }}
	mux := http.NewServeMux()
	mux.Handle(SessionPath, s.sessions)
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

func get(t testing.TB, url string, header ...string) *http.Response {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { response.Body.Close() })
	return response
}

func body(t testing.TB, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestASessionWithoutTailSendsTheBacklogAndCloses(t *testing.T) {
	s := newSite(t)
	s.hub.Write(app, line("web.1", "one"), line("web.1", "two"))
	url := s.sessions.NewURL(s.URL, app, Filter{Lines: 100})
	r := get(t, url, "Accept", "text/plain")
	want := "1970-01-01T00:00:01.000000+00:00 app[web.1]: one\n1970-01-01T00:00:01.000000+00:00 app[web.1]: two\n"
	if got := body(t, r); got != want || !strings.HasPrefix(r.Header.Get("Content-Type"), "text/plain") {
		t.Errorf("%s %q", r.Header.Get("Content-Type"), got)
	}
	r = get(t, url, "Accept", "text/event-stream")
	if got := body(t, r); !strings.HasPrefix(got, "retry: 100\n\nid: 1-") || !strings.HasSuffix(got, "\ndata: 1970-01-01T00:00:01.000000+00:00 app[web.1]: two\n\n") {
		t.Errorf("%q", got)
	}
	if got := r.Header.Get("Content-Type"); !strings.HasPrefix(got, "text/event-stream") {
		t.Errorf("Content-Type %q", got)
	}
}

func TestATailGoesOnAndResumesAfterTheLastID(t *testing.T) {
	s := newSite(t)
	s.hub.Write(app, line("web.1", "0"))
	url := s.sessions.NewURL(s.URL, app, Filter{Lines: 10, Follow: true})
	r := get(t, url, "Accept", "text/event-stream")
	in := bufio.NewScanner(r.Body)
	last := ""
	for i := range 5 {
		last = readEvent(t, in, fmt.Sprint(i))
		s.hub.Write(app, line("web.1", fmt.Sprint(i+1)))
	}
	r.Body.Close()

	s.now = s.now.Add(2 * time.Hour) // expired, but opened in time
	r = get(t, url, "Accept", "text/event-stream", "Last-Event-ID", last)
	if r.StatusCode != http.StatusOK {
		t.Fatalf("resume: %s", r.Status)
	}
	readEvent(t, bufio.NewScanner(r.Body), "5")
}

func readEvent(t testing.TB, in *bufio.Scanner, want string) (id string) {
	t.Helper()
	for in.Scan() {
		text := in.Text()
		if v, ok := strings.CutPrefix(text, "id: "); ok {
			id = v
		}
		if v, ok := strings.CutPrefix(text, "data: "); ok {
			if !strings.HasSuffix(v, "]: "+want) {
				t.Fatalf("event %q, want %q", v, want)
			}
			return id
		}
	}
	t.Fatalf("stream ended before %q: %v", want, in.Err())
	return ""
}

func TestWrongAndExpiredTokensAreRefused(t *testing.T) {
	s := newSite(t)
	s.hub.Write(app, line("web.1", "secret"))
	url := s.sessions.NewURL(s.URL, app, Filter{Lines: 10})
	other := (&Sessions{Key: []byte("other"), Now: s.sessions.Now}).NewURL(s.URL, app, Filter{Lines: 10})
	for name, c := range map[string]struct {
		url    string
		wait   time.Duration
		lastID string
		want   int
	}{
		"good":                            {url, 0, "", 200},
		"at its end":                      {url, 5 * time.Minute, "", 200},
		"expired":                         {url, 5*time.Minute + time.Second, "", 403},
		"expired, with a guessed last id": {url, time.Hour, "1", 403},
		"expired, with a made-up ticket":  {url, time.Hour, "1-AAAAAAAAAAAAAAAA", 403},
		"signed with another key":         {other, 0, "", 404},
		"cut":                             {url[:len(url)-1], 0, "", 404},
		"empty":                           {s.URL + SessionPath, 0, "", 404},
		"no signature":                    {url[:strings.LastIndexByte(url, '.')], 0, "", 404},
	} {
		t.Run(name, func(t *testing.T) {
			begin := s.now
			defer func() { s.now = begin }()
			s.now = s.now.Add(c.wait)
			r := get(t, c.url, "Last-Event-ID", c.lastID)
			if text := body(t, r); r.StatusCode != c.want || (c.want != 200 && strings.Contains(text, "secret")) {
				t.Errorf("%s: %s", r.Status, text)
			}
		})
	}
}

func TestTwoLinesInOneMessageAreTwoEvents(t *testing.T) {
	s := newSite(t)
	s.hub.Write(app, line("web.1", "a\nid: 7\n\ndata: b"))
	got := body(t, get(t, s.sessions.NewURL(s.URL, app, Filter{Lines: 10}), "Accept", "text/event-stream"))
	if n := strings.Count(got, "\n\nid: "); n != 4 {
		t.Errorf("%d events, want 4: %q", n, got)
	}
}

func TestAppendTextIsTheLinesString(t *testing.T) {
	l := kigo.LogLine{Time: time.Date(2026, 11, 22, 1, 2, 3, 456_789_000, time.FixedZone("", 3600)), Source: "heroku", Process: "web.1", Message: "x"}
	if diff := cmp.Diff(string(appendText(nil, &l)), l.String()); diff != "" {
		t.Error(diff)
	}
}

func FuzzSessionTokensNeverOpenWithoutTheirKey(f *testing.F) {
	s := &Sessions{Key: []byte("secret")}
	good := strings.TrimPrefix(s.NewURL("", app, Filter{Lines: 10, Process: "web"}), SessionPath)
	f.Add(good, "")
	f.Add(good, "12-abc")
	f.Add(".", "")
	f.Fuzz(func(t *testing.T, token, lastID string) {
		v, _, err := s.open(token, lastID)
		if err == nil && (token != good || v.App != app) {
			t.Errorf("opened %q", token)
		}
	})
}
