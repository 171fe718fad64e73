package client_test

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/kigo-dev/kigo/client"
)

func TestABridgeShowsTheTokenInPlaceOfTheKeyAndToNobodyElse(t *testing.T) {
	remote := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %s %s %s", r.Method, r.Host, r.URL.Path, r.Header.Get("Authorization"))
	}))
	defer remote.Close()
	b, err := client.NewBridge(client.New(remote.URL, "the-token"), "the-key", log.New(io.Discard, "", 0))
	if err != nil {
		t.Fatal(err)
	}
	local := httptest.NewServer(b)
	defer local.Close()
	ask := func(host string, auth func(*http.Request)) (int, string) {
		t.Helper()
		q, err := http.NewRequestWithContext(t.Context(), http.MethodGet, local.URL+"/apps", nil)
		if err != nil {
			t.Fatal(err)
		}
		if host != "" {
			q.Host = host
		}
		auth(q)
		res, err := http.DefaultClient.Do(q)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(text)
	}
	bearer := func(key string) func(*http.Request) {
		return func(q *http.Request) { q.Header.Set("Authorization", "Bearer "+key) }
	}
	want := "GET " + strings.TrimPrefix(remote.URL, "http://") + " /apps Bearer the-token"
	for _, host := range []string{"", "localhost:1", "[::1]:1"} {
		if status, text := ask(host, bearer("the-key")); status != http.StatusOK || text != want {
			t.Errorf("with the key at %q: %d %q, want %q", host, status, text, want)
		}
	}
	if status, text := ask("", func(q *http.Request) { q.SetBasicAuth("", "the-key") }); status != http.StatusOK || text != want {
		t.Errorf("with the key as password: %d %q", status, text)
	}
	for _, wrong := range []func(*http.Request){bearer("the-token"), bearer(""), func(*http.Request) {}} {
		if status, text := ask("", wrong); status != http.StatusUnauthorized || !strings.Contains(text, "kigo connect") {
			t.Errorf("without the key: %d %q", status, text)
		}
	}
	if status, text := ask("evil.example", bearer("the-key")); status != http.StatusForbidden || !strings.Contains(text, "localhost") {
		t.Errorf("by another name: %d %q", status, text)
	}
	remote.Close()
	if status, text := ask("", bearer("the-key")); status != http.StatusBadGateway || !strings.Contains(text, "cannot be reached") {
		t.Errorf("with the server gone: %d %q", status, text)
	}
}
