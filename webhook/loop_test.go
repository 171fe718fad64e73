package webhook

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/control"
	"github.com/kigo-dev/kigo/internal/lanes"
	"github.com/kigo-dev/kigo/outbound"
	"github.com/kigo-dev/kigo/secret"
	"github.com/kigo-dev/kigo/store"
	"github.com/kigo-dev/kigo/store/storetest"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var loopback = outbound.Policy{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}

// heard is a delivery as a receiver saw it.
type heard struct {
	path, id, delivery string
	seq                int64
}

// site is a platform with receivers: /stuck takes a delivery and never answers, /fail
// answers 500 as often as it is told, anything else 204.
type site struct {
	t        *testing.T
	store    *store.Store
	control  *control.Control
	actor    control.Actor
	operator control.Actor
	srv      *httptest.Server
	path     string // of the database
	hang     chan struct{}

	mu    sync.Mutex
	got   []heard
	fails int
}

func newSite(t *testing.T) *site {
	s := &site{t: t, path: storetest.File(t, t.TempDir()), hang: make(chan struct{})}
	s.store = storetest.Open(t, "sqlite:"+s.path, store.Options{})
	s.control = &control.Control{Store: s.store, Domain: "localhost", Outbound: loopback}
	account, err := s.control.EnsureOperator(t.Context(), "op@example.com", secret.NewToken())
	must(t, err)
	s.operator = control.Actor{ID: account.ID, Email: account.Email}
	s.actor = s.operator
	s.srv = httptest.NewTLSServer(s)
	t.Cleanup(func() { close(s.hang); s.srv.Close() })
	return s
}

// ServeHTTP implements http.Handler.
func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	var v struct {
		ID       string
		Sequence int64
		Metadata struct{ Delivery struct{ ID string } } `json:"webhook_metadata"`
	}
	if err := json.Unmarshal(body, &v); err != nil {
		s.t.Errorf("body %s: %v", body, err)
	}
	s.mu.Lock()
	s.got = append(s.got, heard{r.URL.Path, v.ID, v.Metadata.Delivery.ID, v.Sequence})
	status := http.StatusNoContent
	if r.URL.Path == "/fail" && s.fails > 0 {
		s.fails--
		status = http.StatusInternalServerError
	}
	s.mu.Unlock()
	if r.URL.Path == "/stuck" {
		<-s.hang
	}
	w.WriteHeader(status)
}

// at is what a path was told.
func (s *site) at(path string) (got []heard) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range s.got {
		if h.path == path {
			got = append(got, h)
		}
	}
	return got
}

// as goes on as somebody new.
func (s *site) as(email string) {
	s.t.Helper()
	account, _, err := s.control.CreateAccount(s.t.Context(), s.operator, control.NewAccount{Email: email})
	must(s.t, err)
	s.actor = control.Actor{ID: account.ID, Email: email}
}

// app makes one with webhooks at these paths.
func (s *site) app(name, level string, paths ...string) kigo.AppID {
	s.t.Helper()
	app, err := s.control.CreateApp(s.t.Context(), s.actor, control.NewApp{Name: name})
	must(s.t, err)
	for _, path := range paths {
		url := s.srv.URL + path
		_, err := s.control.AddWebhook(s.t.Context(), s.actor, app.ID, control.WebhookChange{Include: []string{"api:app"}, Level: &level, URL: &url})
		must(s.t, err)
	}
	return app.ID
}

// change does something that webhooks are told.
func (s *site) change(app kigo.AppID, n int) {
	s.t.Helper()
	on := n%2 == 0
	_, err := s.control.UpdateApp(s.t.Context(), s.actor, app, control.AppChange{Maintenance: &on})
	must(s.t, err)
}

// run starts the loop; what it returns ends it.
func (s *site) run() (stop func()) {
	return s.start(s.loop())
}

func (s *site) loop() *Loop {
	roots := x509.NewCertPool()
	roots.AddCert(s.srv.Certificate())
	return &Loop{Store: s.store, Outbound: loopback, Roots: roots,
		Log: slog.New(slog.DiscardHandler), FirstTry: time.Millisecond, LastTry: 4 * time.Millisecond,
		Peek: func(context.Context, kigo.Account, string) ([]byte, error) { return []byte(`{}`), nil }}
}

func (s *site) start(l *Loop) (stop func()) {
	ctx, cancel := context.WithCancel(s.t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := l.Run(ctx); err != nil {
			s.t.Error(err)
		}
	})
	return func() { cancel(); wg.Wait() }
}

// until polls; a generous deadline ends it.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !done(); <-time.After(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("waited in vain for " + what)
		}
	}
}

// inOrder are the sequence numbers of deliveries, each once, which must grow.
func inOrder(t *testing.T, got []heard) int {
	t.Helper()
	var order []int64
	ids := map[string]string{}
	for _, h := range got {
		if before, again := ids[h.delivery]; again && before != h.id {
			t.Errorf("delivery %s is of event %s and of %s", h.delivery, before, h.id)
		} else if !again {
			ids[h.delivery] = h.id
			order = append(order, h.seq)
		} else if order[len(order)-1] != h.seq {
			t.Errorf("%d came again after %d", h.seq, order[len(order)-1])
		}
	}
	if !slices.IsSorted(order) {
		t.Errorf("order %v", order)
	}
	return len(order)
}

func TestReceiversThatNeverAnswerHoldUpNobodyElse(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	paths := slices.Repeat([]string{"/stuck"}, kigo.MaxWebhooks)
	var stuck []kigo.AppID
	const owners = 4
	for i := range owners { // each has two apps, and more webhooks than one owner's share
		s.as(fmt.Sprintf("owner-%d@example.com", i))
		stuck = append(stuck, s.app(fmt.Sprintf("stuck-%d", i), kigo.LevelSync, paths...), s.app(fmt.Sprintf("stuck-too-%d", i), kigo.LevelSync, paths...))
	}
	s.as("fifth@example.com")
	fine := s.app("fine", kigo.LevelSync, "/fine", "/fail")
	s.fails = 5
	l := s.loop()
	l.Timeout = time.Hour // those that hang do so to the end
	stop := s.start(l)
	for _, app := range stuck {
		s.change(app, 0)
	}
	until(t, "those that hang", func() bool { return len(s.at("/stuck")) >= lanes.Share*owners })
	for i := range 10 { // one after the other: none waits for a round of the others
		s.change(fine, i)
		until(t, "a delivery beside those that hang", func() bool { return len(s.at("/fine")) == i+1 })
	}
	until(t, "the one that failed at first", func() bool { return len(s.at("/fail")) == 15 })
	if n := inOrder(t, s.at("/fine")); n != 10 {
		t.Errorf("%d events", n)
	}
	if n := inOrder(t, s.at("/fail")); n != 10 {
		t.Errorf("%d events to the one that failed at first", n)
	}
	if n := len(s.at("/stuck")); n != lanes.Share*owners {
		t.Errorf("%d hang at once, want %d", n, lanes.Share*owners)
	}
	stop()
}

func TestDeliveriesComeInOrderWithTheSameIdsOverRestarts(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	app := s.app("myapp", kigo.LevelSync, "/fail")
	s.fails = 20
	for i := range 30 {
		before := len(s.at("/fail")) // none of them is what changes now
		stop := s.run()
		s.change(app, i)
		if i%3 == 0 {
			until(t, "a try", func() bool { return len(s.at("/fail")) > before })
		}
		stop() // at any moment
	}
	stop := s.run()
	defer stop()
	until(t, "all", func() bool {
		seen := map[int64]bool{}
		for _, h := range s.at("/fail") {
			seen[h.seq] = true
		}
		return len(seen) == 30
	})
	if n := inOrder(t, s.at("/fail")); n != 30 {
		t.Errorf("%d events of 30", n)
	}
}

func TestALevelOfNotifyIsTriedOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	app := s.app("myapp", kigo.LevelNotify, "/fail")
	s.fails = 1
	stop := s.run()
	defer stop()
	for i := range 3 {
		s.change(app, i)
	}
	until(t, "three", func() bool { return len(s.at("/fail")) == 3 })
	if n := inOrder(t, s.at("/fail")); n != 3 {
		t.Errorf("%d events, one of them was tried again", n)
	}
	until(t, "the failure in the list", func() bool {
		var all []kigo.Delivery
		must(t, s.store.View(t.Context(), func(tx *store.Tx) (err error) { all, err = tx.Deliveries(app); return err }))
		return len(all) == 3 && all[0].Status == kigo.DeliveryFailed && all[0].Last.Code == 500 && all[0].Attempts == 1 && all[2].Status == kigo.DeliverySucceeded
	})
}

func TestADeliveryIsTriedLessAndLessForADay(t *testing.T) {
	t.Parallel()
	l := &Loop{FirstTry: 10 * time.Second, LastTry: time.Hour}
	w := kigo.Webhook{Level: kigo.LevelSync}
	began := time.Now()
	d := kigo.Delivery{CreatedAt: began, NextAt: began}
	var pauses []time.Duration
	for now := began; !d.NextAt.IsZero(); now = d.NextAt {
		if len(pauses) > 100 {
			t.Fatalf("it goes on and on: %v", pauses)
		}
		d.Last, d.Attempts = kigo.DeliveryAttempt{Code: 500}, d.Attempts+1
		l.judge(&d, w, now)
		if !d.NextAt.IsZero() {
			pauses = append(pauses, d.NextAt.Sub(now))
		}
		if passed := now.Sub(began); d.NextAt.IsZero() != (passed > 24*time.Hour) {
			t.Errorf("after %s the next try is at %s", passed, d.NextAt)
		}
	}
	if d.Status != kigo.DeliveryFailed || !slices.IsSorted(pauses) || pauses[0] != 10*time.Second || pauses[len(pauses)-1] != time.Hour || len(pauses) > 40 {
		t.Errorf("%s after pauses of %v", d.Status, pauses)
	}
}
