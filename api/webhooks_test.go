package api_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/client"
	"github.com/kigo-dev/kigo/control"
	"github.com/kigo-dev/kigo/outbound"
	"github.com/kigo-dev/kigo/store"
	"github.com/kigo-dev/kigo/webhook"
)

// told is one delivery as a receiver saw it.
type told struct {
	Action, ID, Resource, Version string
	Actor                         struct{ Email, ID string }
	Data                          map[string]any
	Metadata                      struct {
		Attempt, Delivery, Webhook struct{ ID string }
		Event                      struct{ ID, Include string }
	} `json:"webhook_metadata"`
	signature, authorization string
	body                     []byte
}

// hooked is an HTTPS receiver, and a server whose platform may reach it.
type hooked struct {
	*server
	receiver *httptest.Server
	policy   outbound.Policy
	mu       sync.Mutex
	got      []told
	answer   func(n int) int
}

func newHooked(t *testing.T) *hooked {
	h := &hooked{server: newServer(t), answer: func(int) int { return 204 }, policy: outbound.Policy{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}}
	h.control.Outbound = h.policy
	h.receiver = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		v := told{signature: r.Header.Get("Heroku-Webhook-Hmac-SHA256"), authorization: r.Header.Get("Authorization"), body: body}
		if err := json.Unmarshal(body, &v); err != nil {
			t.Errorf("body %s: %v", body, err)
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		h.got = append(h.got, v)
		w.WriteHeader(h.answer(len(h.got)))
	}))
	t.Cleanup(h.receiver.Close)
	return h
}

// run starts the loop; what it returns ends it as a kill would, at any moment.
func (h *hooked) run(t *testing.T) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	roots := x509.NewCertPool()
	roots.AddCert(h.receiver.Certificate())
	l := &webhook.Loop{Store: h.store, Outbound: h.policy, Roots: roots, Log: slog.New(slog.DiscardHandler), FirstTry: time.Millisecond, LastTry: 4 * time.Millisecond,
		Peek: func(ctx context.Context, owner kigo.Account, path string) ([]byte, error) {
			return h.api.Peek(ctx, control.Actor{ID: owner.ID, Email: owner.Email}, path)
		}}
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := l.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	return func() { cancel(); wg.Wait() }
}

func (h *hooked) deliveries(t *testing.T, app string) (all []client.WebhookDelivery) {
	must(t, h.Do(t.Context(), "GET", "/apps/"+app+"/webhook-deliveries", nil, &all))
	return all
}

// until waits for a condition; a test's own deadline ends it.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	deadline := time.Now().Add(3 * time.Minute)
	for !done() {
		if time.Now().After(deadline) {
			t.Fatal("waited in vain for " + what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func TestWebhooksTellWhatHappens(t *testing.T) {
	t.Parallel()
	h := newHooked(t)
	ctx := t.Context()
	h.app("myapp")
	h.app("other")
	stop := h.run(t)
	defer func() { stop() }()
	resp, body := h.raw("POST", "/apps/myapp/webhooks", h.token, nil, []byte(`{"include":["api:release","api:app"],"level":"sync","url":"`+h.receiver.URL+`/hook","secret":"sesame","authorization":"Bearer x"}`))
	if resp.StatusCode != http.StatusCreated || resp.Header.Get("Heroku-Webhook-Secret") != "sesame" || strings.Contains(string(body), "sesame") {
		t.Fatalf("made: %d %v %s", resp.StatusCode, resp.Header, body)
	}
	var w client.Webhook
	must(t, json.Unmarshal(body, &w))
	h.answer = func(n int) int { return []int{500, 302, 200}[min(n, 3)-1] } // the first is tried three times
	_, err := h.SetConfigVars(ctx, "other", map[string]*string{"A": ptr("1")})
	must(t, err)
	_, err = h.SetConfigVars(ctx, "myapp", map[string]*string{"A": ptr("canary")})
	must(t, err)
	must(t, h.Do(ctx, "PATCH", "/apps/myapp", map[string]any{"maintenance": true}, nil))
	settled := func(n int) func() bool {
		return func() bool {
			all := h.deliveries(t, "myapp")
			return len(all) >= n && !slices.ContainsFunc(all, func(d client.WebhookDelivery) bool { return d.NextAttemptAt != nil })
		}
	}
	until(t, "two deliveries", settled(2))
	h.mu.Lock()
	got := slices.Clone(h.got)
	h.mu.Unlock()
	first, last := got[0], got[len(got)-1]
	if first.ID != got[1].ID || first.Metadata.Delivery != got[2].Metadata.Delivery || first.Metadata.Attempt == got[1].Metadata.Attempt {
		t.Errorf("tries of one delivery: %+v, %+v", first.Metadata, got[1].Metadata)
	}
	if first.Resource != "release" || first.Action != "create" || first.Data["description"] != "Set A config vars" || first.Actor.Email != operator ||
		first.Metadata.Event.Include != "api:release" || first.Metadata.Webhook.ID != w.ID || first.authorization != "Bearer x" {
		t.Errorf("first %s", first.body)
	}
	if last.Resource != "app" || last.Action != "update" || last.Data["maintenance"] != true {
		t.Errorf("last %s", last.body)
	}
	for _, g := range got {
		mac := hmac.New(sha256.New, []byte("sesame"))
		mac.Write(g.body)
		if g.signature != base64.StdEncoding.EncodeToString(mac.Sum(nil)) {
			t.Errorf("signature %s of %s", g.signature, g.body)
		}
		if strings.Contains(string(g.body), "canary") {
			t.Errorf("a config var is told: %s", g.body)
		}
	}
	all := h.deliveries(t, "myapp")
	i := slices.IndexFunc(all, func(d client.WebhookDelivery) bool { return d.Event.ID == first.ID })
	if i < 0 || all[i].Status != "succeeded" || all[i].NumAttempts != 3 || *all[i].LastAttempt.Code != 200 {
		t.Errorf("deliveries %+v", all)
	}
	var d client.WebhookDelivery
	must(t, h.Do(ctx, "GET", "/apps/myapp/webhook-deliveries/"+all[0].ID, nil, &d))
	var e client.WebhookEvent
	must(t, h.Do(ctx, "GET", "/apps/myapp/webhook-events/"+first.ID, nil, &e))
	var events []client.WebhookEvent
	must(t, h.Do(ctx, "GET", "/apps/myapp/webhook-events", nil, &events))
	if len(events) != len(all) {
		t.Errorf("%d events, %d deliveries", len(events), len(all))
	}
	for path, noun := range map[string]string{"webhooks/" + w.ID: "webhook", "webhook-events/" + e.ID: "webhook event", "webhook-deliveries/" + d.ID: "webhook delivery"} {
		wantError(t, h.Do(ctx, "GET", "/apps/other/"+path, nil, nil), 404, "not_found", noun)
	}

	// What happens while nobody sends is told later; what was told is not told again.
	stop()
	must(t, h.Do(ctx, "PATCH", "/apps/myapp", map[string]any{"maintenance": false}, nil))
	n := len(all)
	stop = h.run(t)
	until(t, "the change of a time without the loop", settled(n+1))
	if again := h.deliveries(t, "myapp"); len(again) != n+1 {
		t.Errorf("%d deliveries, want %d", len(again), n+1)
	}

	// A ping is answered for in the list; level notify is tried once.
	must(t, h.Do(ctx, "PATCH", "/apps/myapp/webhooks/"+w.ID, map[string]any{"level": "notify", "include": []string{"api:build"}}, &w))
	h.mu.Lock()
	h.answer = func(int) int { return 500 }
	h.mu.Unlock()
	must(t, h.Do(ctx, "POST", "/apps/myapp/webhooks/"+w.ID+"/actions/ping", nil, &d))
	until(t, "the ping", settled(n+2))
	must(t, h.Do(ctx, "GET", "/apps/myapp/webhook-deliveries/"+d.ID, nil, &d))
	if d.Status != "failed" || d.NumAttempts != 1 || d.Event.Include != "ping" || *d.LastAttempt.Code != 500 {
		t.Errorf("ping %+v", d)
	}
	must(t, h.Do(ctx, "GET", "/apps/myapp/webhooks/"+w.ID, nil, &w))
	must(t, h.Do(ctx, "DELETE", "/apps/myapp/webhooks/"+w.ID, nil, &w))
	wantError(t, h.Do(ctx, "GET", "/apps/myapp/webhooks/"+w.ID, nil, nil), 404, "not_found", "webhook")
	if all := h.deliveries(t, "myapp"); len(all) != 0 {
		t.Errorf("after the removal %+v", all)
	}
}

func TestWebhooksReachOnlyPublicAddresses(t *testing.T) {
	t.Parallel()
	h := newHooked(t)
	ctx := t.Context()
	h.app("myapp")
	good := map[string]any{"include": []string{"api:app"}, "level": "notify", "url": h.receiver.URL}
	add := func(field string, value any) error {
		body := map[string]any{}
		for k, v := range good {
			body[k] = v
		}
		body[field] = value
		return h.Do(ctx, "POST", "/apps/myapp/webhooks", body, nil)
	}
	for _, c := range []struct {
		field string
		value any
		text  string
	}{
		{"url", "http://example.com", "https"}, {"url", "", "look like"}, {"url", "ftp://example.com", "https"}, {"url", "https://10.0.0.1/", "not public"},
		{"url", "https://169.254.169.254/", "not public"}, {"url", "https://" + strings.Repeat("x", 3000), "too long"}, {"level", "loud", `"loud" is not one of notify, sync`},
		{"include", []string{}, "include"}, {"include", []string{"api:everything"}, "api:everything"}, {"secret", strings.Repeat("x", 2000), "too long"},
		{"authorization", "a\r\nb: c", "control"},
	} {
		wantError(t, add(c.field, c.value), 422, "invalid_params", c.text)
	}
	// An address may become private after it was named: what counts is where it leads.
	must(t, add("level", "notify"))
	h.policy = outbound.Policy{}
	stop := h.run(t)
	defer stop()
	must(t, h.Do(ctx, "PATCH", "/apps/myapp", map[string]any{"maintenance": true}, nil))
	until(t, "a refused delivery", func() bool {
		all := h.deliveries(t, "myapp")
		return len(all) == 1 && all[0].Status == "failed" && *all[0].LastAttempt.ErrorClass == "DestinationNotAllowed"
	})
	if len(h.got) != 0 {
		t.Errorf("received %+v", h.got)
	}
	for range 9 {
		must(t, add("level", "sync"))
	}
	wantError(t, add("level", "sync"), 422, "invalid_params", "10 webhooks")
	var all []client.Webhook
	must(t, h.Do(ctx, "GET", "/apps/myapp/webhooks", nil, &all))
	if len(all) != 10 {
		t.Errorf("%d webhooks", len(all))
	}
}

// Heroku's clients can change the URL of a webhook but not its authorization, which
// is that of the receiver it was given for.
func TestAWebhookThatMovesToAnotherHostForgetsItsAuthorization(t *testing.T) {
	t.Parallel()
	h := newHooked(t)
	h.app("myapp")
	var w client.Webhook
	must(t, h.Do(t.Context(), "POST", "/apps/myapp/webhooks", map[string]any{
		"include": []string{"api:release"}, "level": "notify", "url": h.receiver.URL + "/hook", "authorization": "Bearer x"}, &w))
	for _, move := range []struct{ url, authorization, want string }{
		{h.receiver.URL + "/other", "", "Bearer x"}, {"https://hooks.invalid/x", "", ""}, {"https://elsewhere.invalid/x", "Bearer y", "Bearer y"},
	} {
		change := map[string]any{"include": []string{"api:release"}, "level": "notify", "url": move.url}
		if move.authorization != "" {
			change["authorization"] = move.authorization
		}
		must(t, h.Do(t.Context(), "PATCH", "/apps/myapp/webhooks/"+w.ID, change, nil))
		must(t, h.store.View(t.Context(), func(tx *store.Tx) error {
			got, err := tx.Webhook(w.ID)
			if err == nil && (got.Authorization != move.want || got.URL != move.url) {
				t.Errorf("after the move to %s it has %q, want %q", move.url, got.Authorization, move.want)
			}
			return err
		}))
	}
}
