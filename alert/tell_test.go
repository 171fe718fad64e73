package alert

import (
	"context"
	"database/sql"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/control"
	"github.com/kigo-dev/kigo/metrics"
	"github.com/kigo-dev/kigo/store"
)

func TestAReceiverThatHangsHoldsUpNoOtherApp(t *testing.T) {
	s, h := newSite(t), newHook(t)
	hanging, release := make(chan struct{}, 10), make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		hanging <- struct{}{}
		<-release
	}))
	defer slow.Close()
	defer close(release)
	s.senders.Client.Timeout = time.Hour
	for _, name := range []string{"one", "two"} {
		_, err := s.control.AddAlert(t.Context(), s.actor, kigo.Alert{App: s.app, Name: name, Target: kigo.AlertTarget{Webhook: slow.URL},
			Rule: kigo.AlertRule{Metric: kigo.AlertFailed, Above: 5, For: 2 * time.Minute}})
		must(t, err)
	}
	other, err := s.control.CreateApp(t.Context(), s.actor, control.NewApp{Name: "other"})
	must(t, err)
	_, err = s.control.AddAlert(t.Context(), s.actor, kigo.Alert{App: other.ID, Name: "x", Target: kigo.AlertTarget{Webhook: h.URL},
		Rule: kigo.AlertRule{Metric: kigo.AlertFailed, Above: 5, For: 2 * time.Minute}})
	must(t, err)

	ctx, stop := context.WithCancel(t.Context())
	l := s.loop()
	defer l.lanes().Wait()
	defer stop()
	bad := &metrics.Point{Requests: metrics.Requests{Count: 100, Status: [6]int64{5: 100}}}
	fire := func(app kigo.AppID) {
		for range 4 {
			must(t, s.history.Add(ctx, s.now, map[kigo.AppID]*metrics.Point{app: bad}, nil))
			s.now = s.now.Add(time.Minute)
			must(t, l.Look(ctx))
		}
	}
	fire(s.app)
	report := func(err error) {
		if ctx.Err() == nil {
			t.Error(err)
		}
	}
	must(t, l.begin(ctx, report))
	select {
	case <-hanging:
	case <-time.After(time.Minute):
		t.Fatal("the first receiver was not told")
	}
	// Only now does the other app have something to tell.
	fire(other.ID)
	must(t, l.begin(ctx, report))
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		h.mu.Lock()
		n := len(h.got)
		h.mu.Unlock()
		if n == 1 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the other app's receiver was not told")
		}
	}
	if len(hanging) > 0 {
		t.Error("an app has two notices on their way at once")
	}
}

// What the store refuses to write down is not sent again for that.
func TestANoticeWhoseOutcomeTheStoreRefusesIsNotSentAgain(t *testing.T) {
	s, h := newSite(t), newHook(t)
	s.add(kigo.AlertTarget{Webhook: h.URL})
	h.answer(http.StatusServiceUnavailable)
	for range 4 {
		s.minute(50)
	}
	if st := s.state(); len(st.Outbox) != 1 {
		t.Fatalf("there is %+v", st)
	}
	h.answer(http.StatusOK)
	db, err := sql.Open("sqlite", s.path)
	must(t, err)
	defer db.Close()
	_, err = db.ExecContext(t.Context(), "CREATE TRIGGER broken BEFORE UPDATE ON alerts BEGIN SELECT RAISE(ABORT, 'no'); END")
	must(t, err)
	s.now = s.now.Add(time.Hour)
	l, before := s.loop(), len(h.got)
	for range 3 {
		if err := l.Tell(t.Context()); err == nil {
			t.Error("a store that refuses is no error")
		}
	}
	_, err = db.ExecContext(t.Context(), "DROP TRIGGER broken")
	must(t, err)
	must(t, l.Tell(t.Context()))
	if st := s.state(); len(h.got) != before+1 || len(st.Outbox) != 0 {
		t.Errorf("it was sent %d times, left is %+v", len(h.got)-before, st)
	}
}

func TestANoticeThatWasTakenWhenTheProcessEndsIsNotSentAgain(t *testing.T) {
	s := newSite(t)
	ctx, stop := context.WithCancel(t.Context())
	calls := 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { calls++; w.WriteHeader(http.StatusOK) }))
	defer srv.Close()
	a := s.add(kigo.AlertTarget{Webhook: srv.URL, Emails: []string{"a@example.com"}})
	s.now = s.now.Add(time.Minute)
	must(t, s.store.Update(ctx, func(tx *store.Tx) error {
		return tx.SetAlertState(a.ID, kigo.AlertState{Outbox: []kigo.Notice{{ID: "n1", Kind: kigo.NoticeFired, At: s.now}}})
	}))
	mailed := 0
	s.senders.Mail = func(context.Context, []string, string, string) error {
		mailed++
		stop() // the process ends when the letter was taken
		return nil
	}
	_ = s.loop().Tell(ctx)
	if st := s.state(); mailed != 1 || len(st.Outbox) != 1 || !st.Outbox[0].Mailed || st.Outbox[0].Called {
		t.Fatalf("mailed %d, left is %+v", mailed, st)
	}
	must(t, s.loop().Tell(t.Context()))
	if st := s.state(); mailed != 1 || calls != 1 || len(st.Outbox) != 0 {
		t.Errorf("mailed %d, called %d, left is %+v", mailed, calls, st)
	}
}

func TestWhyANoticeFailedTellsNothingOfThePlatform(t *testing.T) {
	lookup := &net.DNSError{Err: "no such host", Name: "hooks.example.com", Server: "10.0.0.2:53"}
	s := Senders{
		Mail: func(context.Context, []string, string, string) error {
			return errors.New("dial tcp: lookup smtp.inside on 10.0.0.2:53")
		},
		Client: &http.Client{Transport: failing{lookup}},
	}
	why, detail := s.send(t.Context(), kigo.App{}, kigo.Alert{Target: kigo.AlertTarget{Emails: []string{"a@example.com"}, Webhook: "https://hooks.example.com/key"}}, &kigo.Notice{})
	if want := "e-mail: the platform's mail server did not take it; webhook: NameResolution"; why != want {
		t.Errorf("shown: %q, want %q", why, want)
	}
	if detail == nil || !strings.Contains(detail.Error(), "smtp.inside") || strings.Contains(detail.Error(), "/key") {
		t.Errorf("logged: %v", detail)
	}
}

type failing struct{ err error }

func (f failing) RoundTrip(*http.Request) (*http.Response, error) { return nil, f.err }
