package router

import (
	"net"
	"net/http"
	"strings"
	"testing"
)

const atChallenge = " /.well-known/acme-challenge/tok HTTP/1.1\r\nHost: "

func TestAChallengeIsAnsweredWithoutADyno(t *testing.T) {
	t.Parallel()
	r := startRouter(t, Config{Limits: calm})
	app := demo()
	app.Hosts = append(app.Hosts, "www.example.com", "other.example.com")
	app.Challenges = []Challenge{{Host: "www.example.com", Token: "tok", Answer: "tok.key"}}
	app.Maintenance, app.ForceHTTPS = true, true
	r.apply(t, app)

	for host, want := range map[string]int{"www.example.com": 200, "WWW.example.com:80": 200, "other.example.com": 503} {
		res := r.raw(t, "GET"+atChallenge+host+"\r\n\r\n")
		body := bodyOf(t, res)
		if res.StatusCode != want {
			t.Errorf("challenge at %s: %d %s, want %d", host, res.StatusCode, body, want)
		}
		if want == http.StatusOK && body != "tok.key" {
			t.Errorf("challenge at %s: %q", host, body)
		}
	}
	r.logs.find(t, "path=\"/.well-known/acme-challenge/tok\"", "host=www.example.com", "status=200")
}

func TestPlainHTTPIsSentToHTTPSWhereTheAppWantsIt(t *testing.T) {
	t.Parallel()
	r, addr := startSecure(t, Config{Limits: calm})
	w := &witness{}
	app := demo(goDyno(t, w.ServeHTTP))
	app.ForceHTTPS = true
	r.apply(t, app)
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}

	for request, want := range map[string]struct {
		status   int
		location string
	}{
		"GET /a?b=c HTTP/1.1\r\nHost: demo.test:8080\r\n\r\n":               {301, "https://demo.test:" + port + "/a?b=c"},
		"POST /a HTTP/1.1\r\nHost: demo.test\r\nContent-Length: 1\r\n\r\nx": {308, "https://demo.test:" + port + "/a"},
		"OPTIONS * HTTP/1.1\r\nHost: demo.test\r\n\r\n":                     {308, "https://demo.test:" + port + "/"},
	} {
		res := r.raw(t, request)
		if got := res.Header.Get("Location"); res.StatusCode != want.status || got != want.location {
			t.Errorf("%q: %d to %q, want %d to %q", request, res.StatusCode, got, want.status, want.location)
		}
		_ = bodyOf(t, res)
	}
	r.logs.find(t, "status=301")

	res, err := secureClient(t, addr, false).Post("https://demo.test/", "text/plain", strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	if text := bodyOf(t, res); res.StatusCode != http.StatusOK {
		t.Errorf("over TLS: %d %s", res.StatusCode, text)
	}
}
