package webhook

import (
	"net"
	"testing"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/control"
	"github.com/kigo-dev/kigo/outbound"
	"github.com/kigo-dev/kigo/outbound/outboundtest"
)

// hook adds a webhook of an app at any address.
func (s *site) hook(app kigo.AppID, url, level string) {
	s.t.Helper()
	_, err := s.control.AddWebhook(s.t.Context(), s.actor, app, control.WebhookChange{Include: []string{"api:app"}, Level: &level, URL: &url})
	must(s.t, err)
}

func TestANameThatLeadsElsewhereAfterItWasTakenReachesNothingPrivate(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	resolver, _ := outboundtest.Rebinding(t, "8.8.8.8", "127.0.0.1")
	policy := outbound.Policy{Resolver: resolver}
	s.control.Outbound = policy
	const name = "rebind.example.com"
	if _, err := policy.Resolver.LookupHost(t.Context(), name); err != nil { // as who looks at it first
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(s.srv.Listener.Addr().String())
	app := s.app("myapp", kigo.LevelNotify)
	s.hook(app, "https://"+name+":"+port+"/fine", kigo.LevelNotify)
	l := s.loop()
	l.Outbound = policy
	defer s.start(l)()
	s.change(app, 0)
	until(t, "the refusal", func() bool { return s.waiting(app).Last.Error == "DestinationNotAllowed" })
	if got := s.at("/fine"); len(got) > 0 {
		t.Errorf("it was sent: %+v", got)
	}
}

func TestAReceiverWhoseAnswerDripsIsCutAndHoldsUpNobodyElse(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	drips := outboundtest.Dripping(t, &s.srv.TLS.Certificates[0], "HTTP/1.1 200 OK\r\nX: ", 'x')
	slow := s.app("slow", kigo.LevelSync)
	for range kigo.MaxWebhooks {
		s.hook(slow, "https://"+drips+"/", kigo.LevelSync)
	}
	fine := s.app("fine", kigo.LevelSync, "/fine") // of the same owner, even
	l := s.loop()
	l.Timeout = 10 * time.Second
	defer s.start(l)()
	s.change(slow, 0)
	for i := range 5 {
		s.change(fine, i)
		until(t, "a delivery beside the one that drips", func() bool { return inOrder(t, s.at("/fine")) == i+1 })
	}
	until(t, "its end", func() bool {
		d := s.waiting(slow)
		return d.Attempts > 0 && d.Last.Error == "Timeout" && d.Last.Code == 0 && d.Status == kigo.DeliveryRetrying
	})
	inOrder(t, s.at("/fine"))
}
