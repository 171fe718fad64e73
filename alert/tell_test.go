package alert

import (
	"context"
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
