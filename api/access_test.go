package api

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func TestAcceptHeaderNamesVersionThree(t *testing.T) {
	for accept, want := range map[string]bool{
		"application/vnd.heroku+json; version=3":                   true,
		"application/vnd.heroku+json;version=3":                    true,
		"application/vnd.heroku+json; version=3.sdk":               true,
		"application/vnd.heroku+json; version=3.cedar-acm":         true,
		"Application/Vnd.Heroku+JSON; Version=3":                   true,
		`application/vnd.heroku+json; version="3"`:                 true,
		"text/html, application/vnd.heroku+json; version=3; q=0.5": true,
		"":                                       false,
		"*/*":                                    false,
		"application/json":                       false,
		"application/vnd.heroku+json":            false,
		"application/vnd.heroku+json; version=2": false,
		"application/vnd.heroku+json; version=30": false,
		"application/vnd.heroku+json; version=":   false,
	} {
		if got := acceptable(accept) == nil; got != want {
			t.Errorf("%q: acceptable is %v", accept, got)
		}
	}
}

func TestScopesAllowWhatHerokuSays(t *testing.T) {
	order := []scope{identity, read, write, readProtected, writeProtected, global}
	for have, want := range map[string]string{
		"identity":        "yes no no no no no",
		"read":            "yes yes no no no no",
		"write":           "yes yes yes no no no",
		"read-protected":  "yes yes no yes no no",
		"write-protected": "yes yes yes yes yes no",
		"global":          "yes yes yes yes yes yes",
		"nonsense":        "no no no no no no",
	} {
		got := ""
		for _, need := range order {
			word := "no"
			if need.check([]string{have}) == nil {
				word = "yes"
			}
			if got != "" {
				got += " "
			}
			got += word
		}
		if got != want {
			t.Errorf("%s allows %s, want %s (of %v)", have, got, want, order)
		}
	}
}

func TestCredentialsComeFromTheHeaderAlone(t *testing.T) {
	for header, want := range map[string]string{
		"Bearer abc":     "abc",
		"bearer abc":     "abc",
		"Basic OmFiYw==": "abc", // ":abc"
		"Basic dTphYmM=": "abc", // "u:abc"
		"Basic dTo=":     "",
		"Basic !":        "",
		"Bearer":         "",
		"Bearer ":        "",
		"Token abc":      "",
		"":               "",
	} {
		r := httptest.NewRequest(http.MethodGet, "/account?access_token=url&token=url", nil)
		r.Header.Set("Authorization", header)
		if got, _ := credentials(r); got != want {
			t.Errorf("%q: token %q, want %q", header, got, want)
		}
	}
}

func TestLimiterRefillsOverTime(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	l := newLimiter(3, 6, func() time.Time { return now })
	for want := 2; want >= 0; want-- {
		if left, allowed := l.take("a", 1); left != want || !allowed {
			t.Fatalf("left %d, allowed %v, want %d left", left, allowed, want)
		}
	}
	if _, allowed := l.take("a", 1); allowed {
		t.Error("a fourth request was allowed")
	}
	if _, allowed := l.take("b", 1); !allowed {
		t.Error("another account is limited too")
	}
	now = now.Add(10 * time.Second)
	if left, allowed := l.take("a", 1); left != 0 || !allowed {
		t.Errorf("after ten seconds: left %d, allowed %v", left, allowed)
	}
	now = now.Add(time.Hour)
	if left, _ := l.take("a", 0); left != 3 {
		t.Errorf("after an hour: left %d, want the burst", left)
	}
}

func TestCapabilitiesAreForOneMethodPathAndTime(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	s := &Server{Deps: Deps{Key: make([]byte, 32), BaseURL: "http://x", Now: func() time.Time { return now }}}
	url := s.sign(nil, "PUT", "/sources/a", now.Add(time.Hour))
	good := func(method, url string) bool { return s.signed(httptest.NewRequest(method, url, nil), method) }
	if !good("PUT", url) {
		t.Fatal("the address itself is refused")
	}
	if good("GET", url) {
		t.Error("another method is accepted")
	}
	for _, bad := range []string{
		"http://x/sources/b" + url[len("http://x/sources/a"):], "http://x/sources/a", url + "0", "http://x/sources/a?signature=",
		url[:len(url)-1], "http://x/sources/a?expires=9999999999&" + url[len("http://x/sources/a?expires=1767229200&"):],
	} {
		if good("PUT", bad) {
			t.Errorf("%s is accepted", bad)
		}
	}
	if now = now.Add(61 * time.Minute); good("PUT", url) {
		t.Error("it is accepted after its end")
	}
}
