package outbound_test

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kigo-dev/kigo/outbound"
	"github.com/kigo-dev/kigo/outbound/outboundtest"
)

// TestANameThatLeadsElsewhereEachTimeReachesNothingPrivate: the first look-up, at which
// somebody may have looked whether the name is fine, says a public address.
func TestANameThatLeadsElsewhereEachTimeReachesNothingPrivate(t *testing.T) {
	var reached atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
	defer s.Close()
	_, port, _ := net.SplitHostPort(s.Listener.Addr().String())
	resolver, asked := outboundtest.Rebinding(t, "8.8.8.8", "127.0.0.1")
	p := outbound.Policy{Resolver: resolver}
	const name = "rebind.example.com"
	if err := p.CheckHost(name); err != nil {
		t.Fatal(err)
	}
	first, err := p.Resolver.LookupNetIP(t.Context(), "ip4", name)
	if err != nil || len(first) != 1 || p.Check(first[0]) != nil {
		t.Fatalf("the first look-up: %v %v", first, err)
	}
	client := p.Client(nil, time.Minute)
	for range 2 {
		if resp, err := client.Get("http://" + name + ":" + port); !errors.Is(err, outbound.ErrNotAllowed) {
			t.Errorf("%v %v", resp, err)
		}
	}
	if reached.Load() > 0 || asked() != 3 {
		t.Errorf("the server was reached %d times, after %d look-ups", reached.Load(), asked())
	}
	// The same name with the same resolver leads there for who may.
	p.Allow = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	resp, err := p.Client(nil, time.Minute).Get("http://" + name + ":" + port)
	if err != nil || reached.Load() != 1 {
		t.Fatalf("where it is allowed: %v", err)
	}
	resp.Body.Close()
}

func TestAnAnswerThatDripsIsCut(t *testing.T) {
	p := outbound.Policy{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
	for name, begin := range map[string]string{"status": "", "head": "HTTP/1.1 200 OK\r\nX: ", "body": "HTTP/1.1 200 OK\r\n\r\n"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := outboundtest.Dripping(t, nil, begin, 'x')
			client := p.Client(nil, 500*time.Millisecond)
			defer client.CloseIdleConnections()
			resp, err := client.Post("http://"+address, "text/plain", strings.NewReader("x"))
			if err == nil {
				defer resp.Body.Close()
				_, err = resp.Body.Read(make([]byte, 1))
				for err == nil {
					_, err = resp.Body.Read(make([]byte, 64))
				}
			}
			if outbound.Class(err) != "Timeout" {
				t.Errorf("it ends with %v", err)
			}
		})
	}
}
