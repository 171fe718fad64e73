package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kigo-dev/kigo/client"
)

// serve answers every request of a client by f.
func serve(t *testing.T, f http.HandlerFunc) *client.Client {
	t.Helper()
	s := httptest.NewServer(f)
	t.Cleanup(s.Close)
	return client.New(s.URL, "TOKEN")
}

func TestRequestsCarryVersionAndToken(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept") != "application/vnd.heroku+json; version=3" || r.Header.Get("Authorization") != "Bearer TOKEN" ||
			r.Header.Get("Request-Id") == "" || r.Header.Get("Content-Type") != "application/json" || r.URL.EscapedPath() != "/apps/a%2Fb" {
			t.Errorf("%s %s", r.URL.EscapedPath(), r.Header)
		}
		body, _ := io.ReadAll(r.Body)
		if string(body) != `{"maintenance":true}` {
			t.Errorf("body %s", body)
		}
		w.Header().Set("X-Heroku-Warning", "careful")
		fmt.Fprint(w, `{"name":"x"}`)
	})
	var warning string
	c.OnWarning = func(w string) { warning = w }
	on := true
	a, err := c.UpdateApp(context.Background(), "a/b", client.AppChange{Maintenance: &on})
	if err != nil || a.Name != "x" || warning != "careful" {
		t.Errorf("%+v, %v, warning %q", a, err, warning)
	}
}

func TestRefusalsKeepHerokusIdAndSentence(t *testing.T) {
	for body, want := range map[string]client.Error{
		`{"id":"not_found","message":"Couldn't find that app.","resource":"app"}`: {ID: "not_found", Message: "Couldn't find that app.", Resource: "app", Status: 404},
		`<html>proxy</html>`: {ID: "unexpected_response", Status: 404},
		``:                   {ID: "unexpected_response", Status: 404},
	} {
		c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, body)
		})
		_, err := c.App(context.Background(), "x")
		var e *client.Error
		if !errors.As(err, &e) || e.ID != want.ID || e.Status != want.Status || want.Message != "" && e.Message != want.Message || e.Message == "" {
			t.Errorf("%s: %+v", body, err)
		}
		if !client.IsNotFound(err) || client.IsUnauthorized(err) {
			t.Errorf("%s: not told as not found", body)
		}
	}
}

func TestListsFollowNextRange(t *testing.T) {
	var asked []string
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Header.Get("Range"))
		page := []client.Release{{Version: len(asked)}}
		if len(asked) < 3 {
			w.Header().Set("Next-Range", fmt.Sprintf("version ]%d..; max=1", len(asked)))
			w.WriteHeader(http.StatusPartialContent)
		}
		json.NewEncoder(w).Encode(page)
	})
	all, err := c.Releases(context.Background(), "x", client.ListOptions{})
	if err != nil || len(all) != 3 {
		t.Fatalf("%+v, %v", all, err)
	}
	if d := cmp.Diff([]string{"version ..; max=1000", "version ]1..; max=1", "version ]2..; max=1"}, asked); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	asked = nil
	some, err := c.Releases(context.Background(), "x", client.ListOptions{Max: 1, Desc: true})
	if err != nil || len(some) != 1 || len(asked) != 1 || asked[0] != "version ..; max=1, order=desc" {
		t.Errorf("%+v, %v, asked %q", some, err, asked)
	}
}

func TestLogEventsAreSplitIntoLinesWithTheirId(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			t.Error("the token went to a capability address")
		}
		if got := r.Header.Get("Last-Event-ID"); got != "4" {
			t.Errorf("Last-Event-ID %q", got)
		}
		fmt.Fprint(w, ": comment\n\nid: 5\ndata: one\ndata: two\n\nid:6\ndata:three: with colon\n\nid: 7\ndata: cut")
	})
	var lines []string
	last, err := c.FollowLog(context.Background(), client.LogSession{LogplexURL: c.URL + "/logstream/x"}, "4", func(l string) error {
		lines = append(lines, l)
		return nil
	})
	if err != nil || last != "6" {
		t.Errorf("last %q, %v", last, err)
	}
	if d := cmp.Diff([]string{"one", "two", "three: with colon"}, lines); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestServersThatCannotBeReachedAreNamed(t *testing.T) {
	c := client.New("http://127.0.0.1:1", "TOKEN")
	_, err := c.Account(context.Background())
	if err == nil || !strings.Contains(err.Error(), "reach http://127.0.0.1:1") || strings.Contains(err.Error(), "TOKEN") {
		t.Errorf("%v", err)
	}
}
