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
)

func TestAddressesThatAreNotPublicAreRefused(t *testing.T) {
	for _, s := range []string{
		"127.0.0.1", "127.9.9.9", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254", "100.64.0.1",
		"192.0.0.1", "198.18.0.1", "255.255.255.255", "224.0.0.1", "240.0.0.1", "::", "::1", "::ffff:127.0.0.1", "::127.0.0.1",
		"64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::", "fec0::1", "fe80::1", "fe80::1%lo", "fd00::1", "ff02::1", "2001::1", "2001:db8::1", "4000::1",
	} {
		addr := netip.MustParseAddr(s)
		if err := (outbound.Policy{}).Check(addr); !errors.Is(err, outbound.ErrNotAllowed) {
			t.Errorf("%s: %v", s, err)
		}
		if err := (outbound.Policy{}).CheckHost(s); !errors.Is(err, outbound.ErrNotAllowed) {
			t.Errorf("host %s: %v", s, err)
		}
		conn, err := (outbound.Policy{}).Dial(t.Context(), "tcp", net.JoinHostPort(s, "80"))
		if conn != nil {
			conn.Close()
		}
		if !errors.Is(err, outbound.ErrNotAllowed) {
			t.Errorf("dial %s: %v", s, err)
		}
	}
	for _, s := range []string{"8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "::ffff:8.8.8.8"} {
		if err := (outbound.Policy{}).Check(netip.MustParseAddr(s)); err != nil {
			t.Errorf("%s: %v", s, err)
		}
	}
	for _, host := range []string{"localhost", "x.localhost", "LOCALHOST."} {
		if err := (outbound.Policy{}).CheckHost(host); err == nil {
			t.Errorf("%s passed", host)
		}
	}
}

func TestAnOperatorAllowsRanges(t *testing.T) {
	p := outbound.Policy{Allow: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}}
	if err := p.Check(netip.MustParseAddr("10.1.2.3")); err != nil || !p.Granted("10.1.2.3") {
		t.Errorf("allowed: %v", err)
	}
	if err := p.Check(netip.MustParseAddr("10.2.2.3")); err == nil || p.Granted("8.8.8.8") {
		t.Error("10.2.2.3 passed, or 8.8.8.8 is said to be granted")
	}
}

func TestANameThatLeadsToThisMachineIsRefusedAfterTheLookUp(t *testing.T) {
	var reached atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
	defer s.Close()
	client := outbound.Policy{}.Client(nil, 5*time.Second)
	for _, url := range []string{s.URL, strings.Replace(s.URL, "127.0.0.1", "localhost", 1)} {
		resp, err := client.Get(url)
		if err == nil {
			resp.Body.Close()
		}
		if !errors.Is(err, outbound.ErrNotAllowed) {
			t.Errorf("%s: %v", url, err)
		}
	}
	if reached.Load() > 0 {
		t.Error("the server was reached")
	}
}

func TestARedirectIsCheckedAndABodyIsNeverRedirected(t *testing.T) {
	var reached atomic.Int32
	inside := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
	l, err := net.Listen("tcp", "127.0.0.2:0")
	if err != nil {
		t.Fatal(err)
	}
	inside.Listener.Close()
	inside.Listener = l
	inside.Start()
	defer inside.Close()
	front := httptest.NewServer(http.RedirectHandler(inside.URL, http.StatusTemporaryRedirect))
	defer front.Close()
	client := outbound.Policy{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}.Client(nil, 5*time.Second)
	if resp, err := client.Get(front.URL); !errors.Is(err, outbound.ErrNotAllowed) {
		t.Errorf("redirected: %v %v", resp, err)
	}
	resp, err := client.Post(front.URL, "text/plain", strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusTemporaryRedirect || reached.Load() > 0 {
		t.Errorf("status %d, inside reached %d times", resp.StatusCode, reached.Load())
	}
}
