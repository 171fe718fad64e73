package logplex

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/kigo-dev/kigo"
)

// SessionPath is where the handler of Sessions is mounted.
const SessionPath = "/logstream/"

// A session's URL opens for openFor; who has opened it may come back with the last
// id it has seen for resumeFor, however often control was restarted meanwhile.
const (
	openFor   = 5 * time.Minute
	resumeFor = 24 * time.Hour
)

// Sessions makes and serves log session URLs. A URL is itself the right to read:
// app, filter and expiry, with an HMAC. Nothing is stored, so that a session
// outlives a restart.
type Sessions struct {
	Hub *Hub
	Key []byte           // secret, the same after a restart
	Now func() time.Time // for tests; nil: time.Now

	// Allowed says whether who a URL was made for may still read the app's log. It is asked
	// when a session opens and again and again while it lasts; nil: always.
	Allowed func(ctx context.Context, app kigo.AppID, by kigo.AccountID) bool
}

// session is what a token says.
type session struct {
	App     kigo.AppID     `json:"a"`
	Source  string         `json:"s,omitempty"`
	Process string         `json:"p,omitempty"`
	Lines   int            `json:"n,omitempty"`
	Follow  bool           `json:"f,omitempty"`
	Until   int64          `json:"u"` // Unix seconds
	By      kigo.AccountID `json:"b,omitempty"`
}

// NewURL returns the URL of a session on an app's log, below base such as
// "https://127.0.0.1:5000", for as long as it is valid.
func (s *Sessions) NewURL(base string, app kigo.AppID, f Filter) string {
	return s.NewURLFor(base, app, f, "")
}

// NewURLFor is NewURL for an account: a session ends when Allowed says that it may not
// read any more.
func (s *Sessions) NewURLFor(base string, app kigo.AppID, f Filter, by kigo.AccountID) string {
	body, err := json.Marshal(session{App: app, By: by, Source: f.Source, Process: f.Process,
		Lines: min(f.Lines, kigo.MaxRetainedLines), Follow: f.Follow, Until: s.now().Add(openFor).Unix()})
	if err != nil {
		panic(err) // strings and numbers
	}
	encoded := base64.RawURLEncoding.EncodeToString(body)
	return strings.TrimSuffix(base, "/") + SessionPath + encoded + "." + s.sign("open", encoded)
}

var (
	errToken   = errors.New("no such log session")
	errExpired = errors.New("this log session has expired")
)

// open reads a token; lastID is what the client has seen, as it got it.
func (s *Sessions) open(token, lastID string) (session, Filter, error) {
	encoded, mac, ok := strings.Cut(token, ".")
	if !ok || !hmac.Equal([]byte(mac), []byte(s.sign("open", encoded))) {
		return session{}, Filter{}, errToken
	}
	body, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil {
		return session{}, Filter{}, errToken
	}
	var v session
	if err := json.Unmarshal(body, &v); err != nil {
		return session{}, Filter{}, errToken
	}
	f := Filter{Source: v.Source, Process: v.Process, Lines: v.Lines, Follow: v.Follow}
	until := time.Unix(v.Until, 0)
	if number, ticket, ok := strings.Cut(lastID, "-"); ok && hmac.Equal([]byte(ticket), []byte(s.ticket(encoded))) {
		if id, err := strconv.ParseUint(number, 10, 64); err == nil {
			f.After = id
			until = until.Add(resumeFor)
		}
	}
	if s.now().After(until) {
		return session{}, Filter{}, errExpired
	}
	return v, f, nil
}

// ticket is the part of each event's id that only those know who opened the
// session in time.
func (s *Sessions) ticket(encoded string) string { return s.sign("resume", encoded)[:16] }

func (s *Sessions) sign(purpose, encoded string) string {
	mac := hmac.New(sha256.New, s.Key)
	mac.Write([]byte("logplex " + purpose + " "))
	mac.Write([]byte(encoded))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func (s *Sessions) now() time.Time {
	if s.Now != nil {
		return s.Now()
	}
	return time.Now()
}

// endsSoon comes first in a session without tail. A client of Server-Sent Events gets
// ready to come back when the stream ends, in 3 s unless it is told otherwise, and
// Heroku's command line does not end before that.
const endsSoon = "retry: 100\n\n"

// ServeHTTP streams a session: Server-Sent Events to those who ask for them, plain
// lines to all others.
func (s *Sessions) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "Log sessions are read by GET.", http.StatusMethodNotAllowed)
		return
	}
	_, token, _ := strings.Cut(r.URL.Path, SessionPath)
	v, f, err := s.open(token, r.Header.Get("Last-Event-ID"))
	switch {
	case errors.Is(err, errExpired):
		http.Error(w, "This log session has expired. Create a new one.", http.StatusForbidden)
		return
	case err != nil:
		http.Error(w, "There is no such log session.", http.StatusNotFound)
		return
	}
	if !s.allowed(r.Context(), v) {
		http.Error(w, "There is no such log session.", http.StatusNotFound)
		return
	}
	encoded, _, _ := strings.Cut(token, ".")
	out := &output{w: w, control: http.NewResponseController(w)}
	if strings.Contains(r.Header.Get("Accept"), "text/event-stream") {
		out.events = true
		out.suffix = "-" + s.ticket(encoded) + "\ndata: "
		if !f.Follow {
			out.buf = append(out.buf, endsSoon...)
		}
		w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	} else {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	}
	w.Header().Set("Cache-Control", "no-cache, no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("X-Accel-Buffering", "no")
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return
	}
	reader := s.Hub.open(v.App, f)
	if reader == nil {
		return
	}
	defer reader.close()
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	go s.watch(ctx, cancel, v)
	out.run(ctx, reader)
}

// askAgain is how often a session that lasts is asked for again.
const askAgain = 500 * time.Millisecond

func (s *Sessions) allowed(ctx context.Context, v session) bool {
	return s.Allowed == nil || v.By == "" || s.Allowed(ctx, v.App, v.By)
}

// watch ends a session when it is not allowed any more.
func (s *Sessions) watch(ctx context.Context, end func(), v session) {
	if s.Allowed == nil || v.By == "" {
		return
	}
	tick := time.NewTicker(askAgain)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if !s.allowed(ctx, v) {
				end()
				return
			}
		}
	}
}
