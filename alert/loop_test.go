package alert

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/control"
	"github.com/kigo-dev/kigo/mail"
	"github.com/kigo-dev/kigo/mail/mailtest"
	"github.com/kigo-dev/kigo/metrics"
	"github.com/kigo-dev/kigo/outbound"
	"github.com/kigo-dev/kigo/secret"
	"github.com/kigo-dev/kigo/store"
	"github.com/kigo-dev/kigo/store/storetest"
)

// site is a platform with one app and a clock that the test moves.
type site struct {
	t       *testing.T
	now     time.Time
	store   *store.Store
	control *control.Control
	actor   control.Actor
	history *metrics.History
	app     kigo.AppID
	senders Senders
	path    string // of the database
}

func newSite(t *testing.T) *site {
	s := &site{t: t, now: time.Date(2026, 11, 22, 12, 0, 30, 0, time.UTC), path: storetest.File(t, t.TempDir())}
	s.store = storetest.Open(t, "sqlite:"+s.path, store.Options{})
	local := outbound.Policy{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
	s.control = &control.Control{Store: s.store, Domain: "localhost", Outbound: local, Mail: true}
	account, err := s.control.EnsureOperator(t.Context(), "op@example.com", secret.NewToken())
	must(t, err)
	s.actor = control.Actor{ID: account.ID, Email: account.Email}
	app, err := s.control.CreateApp(t.Context(), s.actor, control.NewApp{Name: "myapp"})
	must(t, err)
	s.app = app.ID
	s.history = &metrics.History{Store: s.store, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return s.now }}
	s.senders.Client = local.Client(nil, 5*time.Second)
	return s
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// minute lets one pass in which so many percent of requests failed, and a new
// process looks at it.
func (s *site) minute(failed int64) {
	s.t.Helper()
	p := &metrics.Point{Requests: metrics.Requests{Count: 100, Status: [6]int64{2: 100 - failed, 5: failed}}}
	must(s.t, s.history.Add(s.t.Context(), s.now, map[kigo.AppID]*metrics.Point{s.app: p}, nil))
	s.now = s.now.Add(time.Minute)
	l := s.loop()
	must(s.t, l.Look(s.t.Context()))
	must(s.t, l.Tell(s.t.Context()))
}

func (s *site) loop() *Loop {
	return &Loop{Store: s.store, History: s.history, Senders: s.senders, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return s.now }}
}

func (s *site) add(target kigo.AlertTarget) kigo.Alert {
	s.t.Helper()
	a, err := s.control.AddAlert(s.t.Context(), s.actor, kigo.Alert{App: s.app, Name: "too-many-errors", Target: target,
		Rule: kigo.AlertRule{Metric: kigo.AlertFailed, Above: 5, For: 2 * time.Minute, Remind: 10 * time.Minute}})
	must(s.t, err)
	return a
}

func (s *site) state() kigo.AlertState {
	s.t.Helper()
	var all []kigo.Alert
	must(s.t, s.store.View(s.t.Context(), func(tx *store.Tx) (err error) {
		all, err = tx.Alerts(s.app)
		return err
	}))
	return all[0].State
}

// hook is a webhook that says what it is told to.
type hook struct {
	*httptest.Server
	mu     sync.Mutex
	status int
	got    []*http.Request
	bodies []string
}

func newHook(t *testing.T) *hook {
	h := &hook{status: http.StatusNoContent}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		h.mu.Lock()
		defer h.mu.Unlock()
		h.got, h.bodies = append(h.got, r), append(h.bodies, string(body))
		w.WriteHeader(h.status)
	}))
	t.Cleanup(h.Close)
	return h
}

func (h *hook) answer(status int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.status = status
}

func TestAWebhookIsToldWhatBeganLastsAndEndsOverRestarts(t *testing.T) {
	s, h := newSite(t), newHook(t)
	a := s.add(kigo.AlertTarget{Webhook: h.URL + "/x?key=1"})
	for i := range 30 {
		failed := int64(1)
		if i >= 3 && i < 18 {
			failed = 20
		}
		s.minute(failed)
	}
	var kinds []string
	for i, r := range h.got {
		var m message
		must(t, json.Unmarshal([]byte(h.bodies[i]), &m))
		kinds = append(kinds, m.Type)
		want := "v1," + Sign(a.Target.Secret, r.Header.Get("Webhook-Id"), r.Header.Get("Webhook-Timestamp"), []byte(h.bodies[i]))
		if r.Header.Get("Webhook-Signature") != want || m.Data.App["name"] != "myapp" || m.Data.Metric != kigo.AlertFailed || m.Data.Above != 5 {
			t.Errorf("message %d: %v %s", i, r.Header, h.bodies[i])
		}
	}
	if got := strings.Join(kinds, " "); got != "alert.fired alert.reminder alert.resolved" {
		t.Errorf("told %s", got)
	}
	if st := s.state(); st.Firing || len(st.Outbox) > 0 {
		t.Errorf("in the end %+v", st)
	}
}

func TestWhatAReceiverRefusesIsTriedAgainWithTheSameIdAndShown(t *testing.T) {
	s, h := newSite(t), newHook(t)
	s.add(kigo.AlertTarget{Webhook: h.URL})
	h.answer(http.StatusServiceUnavailable)
	for range 6 {
		s.minute(50)
	}
	if st := s.state(); !st.Firing || len(st.Outbox) != 1 || st.Failed != "webhook: it answered 503" {
		t.Fatalf("while it fails %+v", st)
	}
	h.answer(http.StatusOK)
	s.now = s.now.Add(2 * time.Minute)
	must(t, s.loop().Tell(t.Context()))
	if st := s.state(); len(st.Outbox) != 0 || st.Failed != "" {
		t.Errorf("after it was taken %+v", st)
	}
	if len(h.got) < 3 {
		t.Errorf("%d tries", len(h.got))
	}
	for _, r := range h.got {
		if r.Header.Get("Webhook-Id") != h.got[0].Header.Get("Webhook-Id") {
			t.Error("a try has another id")
		}
	}
}

func TestAWebhookReachesNoAddressThatIsNotPublic(t *testing.T) {
	s, h := newSite(t), newHook(t)
	s.add(kigo.AlertTarget{Webhook: strings.Replace(h.URL, "http://127.0.0.1", "https://hooks.example.com", 1)})
	s.senders.Client = outbound.Policy{}.Client(nil, time.Second)
	_, err := s.control.AddAlert(t.Context(), s.actor, kigo.Alert{App: s.app, Name: "inside", Rule: kigo.AlertRule{Metric: "memory", Above: 90}, Target: kigo.AlertTarget{Webhook: "https://10.0.0.1/"}})
	if e, ours := kigo.AsError(err); !ours || !strings.Contains(e.Message, "not public") {
		t.Errorf("a private address: %v", err)
	}
	alertTo := kigo.Alert{Name: "x", Target: kigo.AlertTarget{Webhook: h.URL}}
	if why, _ := s.senders.send(t.Context(), kigo.App{}, alertTo, &kigo.Notice{}); why != "webhook: DestinationNotAllowed" || len(h.got) > 0 {
		t.Errorf("%q, %d requests arrived", why, len(h.got))
	}
}

func TestLettersGoByTheOperatorsMailServer(t *testing.T) {
	s := newSite(t)
	address, letters := mailtest.Start(t)
	mailer, err := mail.New("smtp://"+address, "kigo@example.com")
	must(t, err)
	s.senders.Mail = mailer.Send
	s.add(kigo.AlertTarget{Emails: []string{"one@example.com", "two@example.com"}})
	for i := range 12 {
		s.minute(map[bool]int64{true: 50, false: 0}[i < 6])
	}
	got := letters()
	if len(got) != 2 {
		t.Fatalf("%d letters: %q", len(got), got)
	}
	for i, want := range []string{"Subject: [myapp] alert: too-many-errors", "Subject: [myapp] resolved: too-many-errors"} {
		if !strings.Contains(got[i], want) || !strings.Contains(got[i], "<one@example.com>") || !strings.Contains(got[i], "<two@example.com>") || !strings.Contains(got[i], "failed-requests of myapp is") {
			t.Errorf("letter %d: %s", i, got[i])
		}
	}
}

func TestOneWayOutThatFailsDoesNotRepeatTheOther(t *testing.T) {
	s, h := newSite(t), newHook(t)
	down := true
	sent := 0
	s.senders.Mail = func(context.Context, []string, string, string) error {
		if down {
			return errors.New("mail server is away")
		}
		sent++
		return nil
	}
	s.add(kigo.AlertTarget{Emails: []string{"one@example.com"}, Webhook: h.URL})
	for range 5 {
		s.minute(50)
	}
	down = false
	s.now = s.now.Add(10 * time.Minute)
	must(t, s.loop().Tell(t.Context()))
	if len(h.got) != 1 || sent != 1 {
		t.Errorf("the webhook was called %d times, %d letters went out", len(h.got), sent)
	}
}
