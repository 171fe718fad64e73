package api_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/client"
	"github.com/kigo-dev/kigo/store"
)

func TestARequestSentAgainIsDoneOnce(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	key := http.Header{"Idempotency-Key": {"k1"}}
	resp, first := s.raw("POST", "/apps", s.token, key, []byte(`{}`))
	again, second := s.raw("POST", "/apps", s.token, key, []byte(`{}`))
	if resp.StatusCode != http.StatusCreated || again.StatusCode != http.StatusCreated || string(first) != string(second) || again.Header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("first %d %s, again %d %s", resp.StatusCode, first, again.StatusCode, second)
	}
	apps, err := s.Apps(t.Context())
	must(t, err)
	if len(apps) != 1 {
		t.Errorf("%d apps", len(apps))
	}
	if resp, body := s.raw("POST", "/apps", s.token, key, []byte(`{"name":"other"}`)); resp.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(string(body), "another request") {
		t.Errorf("another request: %d %s", resp.StatusCode, body)
	}
	// Another account has keys of its own; what is refused keeps none.
	if resp, _ := s.raw("POST", "/apps", s.second("bob@example.com", "global"), key, []byte(`{"name":"bobs"}`)); resp.StatusCode != http.StatusCreated {
		t.Errorf("another account: %d", resp.StatusCode)
	}
	two := http.Header{"Idempotency-Key": {"k2"}}
	if resp, _ := s.raw("POST", "/apps", s.token, two, []byte(`{"name":"bobs"}`)); resp.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("a name that is taken: %d", resp.StatusCode)
	}
	if resp, _ := s.raw("POST", "/apps", s.token, two, []byte(`{"name":"mine"}`)); resp.StatusCode != http.StatusCreated {
		t.Errorf("with the same key, after a refusal: %d", resp.StatusCode)
	}
	must(t, s.store.Update(t.Context(), func(tx *store.Tx) error { // a first request that was killed
		_, _, err := tx.ClaimIdempotency(s.account.ID, "k3", []byte("x"))
		return err
	}))
	if resp, _ := s.raw("POST", "/apps", s.token, http.Header{"Idempotency-Key": {"k3"}}, []byte(`{}`)); resp.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("after another that was cut off: %d", resp.StatusCode)
	}
	if resp, _ := s.raw("POST", "/apps", s.token, http.Header{"Idempotency-Key": {strings.Repeat("x", 300)}}, []byte(`{}`)); resp.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("a long key: %d", resp.StatusCode)
	}
}

// The answer is told although it cannot be kept: keys go with their account.
func TestAnAccountIsDeletedWithAnIdempotencyKey(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	token := s.second("bob@example.com", "global")
	if resp, body := s.raw("DELETE", "/account", token, http.Header{"Idempotency-Key": {"k1"}}, nil); resp.StatusCode != http.StatusOK || !strings.Contains(string(body), "bob@example.com") {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	if resp, _ := s.raw("GET", "/account", token, nil, nil); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("the account afterwards: %d", resp.StatusCode)
	}
}

// Of many changes that name the same state with If-Match, one is made.
func TestIfMatchHoldsAgainstOthers(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.app("myapp")
	resp, _ := s.raw("GET", "/apps/myapp/config-vars", s.token, nil, nil)
	tag := resp.Header.Get("ETag")
	var wg sync.WaitGroup
	var mu sync.Mutex
	got := map[int]int{}
	for i := range 8 {
		wg.Go(func() {
			resp, _ := s.raw("PATCH", "/apps/myapp/config-vars", s.token, http.Header{"If-Match": {tag}}, []byte(`{"A":"`+string(rune('a'+i))+`"}`))
			mu.Lock()
			defer mu.Unlock()
			got[resp.StatusCode]++
		})
	}
	wg.Wait()
	if got[200] != 1 || got[412] != 7 {
		t.Errorf("statuses %v", got)
	}
}

func TestAnswersSayWhenTheyLastChanged(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	app := s.app("myapp")
	for _, path := range []string{"/apps/myapp", "/apps"} {
		resp, _ := s.raw("GET", path, s.token, nil, nil)
		at, err := http.ParseTime(resp.Header.Get("Last-Modified"))
		if err != nil || !at.Equal(app.UpdatedAt.Truncate(time.Second)) {
			t.Errorf("%s: %q, want %s", path, resp.Header.Get("Last-Modified"), app.UpdatedAt)
		}
	}
}

func TestWhatRunsInADynoCanBeAttachedTo(t *testing.T) {
	t.Parallel()
	s, ctx := newServer(t), t.Context()
	app := s.app("myapp")
	r := s.deploy("myapp", map[string]string{"web": "./web"})
	must(t, s.store.Update(ctx, func(tx *store.Tx) error {
		return tx.CreateDyno(&kigo.Dyno{App: kigo.AppID(app.ID), Release: kigo.ReleaseID(r.ID), Version: r.Version, Type: "web", Number: 1, State: kigo.DynoUp, Size: "Basic"})
	}))
	var d client.Dyno
	must(t, s.Do(ctx, "POST", "/apps/myapp/dynos/web.1", map[string]any{"command": "bash"}, &d))
	if d.AttachURL == nil || !strings.HasPrefix(*d.AttachURL, "rendezvous://") {
		t.Errorf("dyno %+v", d)
	}
}

func TestWhatIsNotKeptIsNotPromoted(t *testing.T) {
	t.Parallel()
	s, ctx := newServer(t), t.Context()
	from, to := s.app("from"), s.app("onto")
	s.deploy("from", map[string]string{"web": "./web"})
	var p client.Pipeline
	must(t, s.Do(ctx, "POST", "/pipelines", map[string]any{"name": "flow"}, &p))
	for app, stage := range map[string]string{"from": "staging", "onto": "production"} {
		must(t, s.Do(ctx, "POST", "/pipeline-couplings", map[string]any{"app": app, "pipeline": p.ID, "stage": stage}, nil))
	}
	s.control.HasSlug = func(string) bool { return false }
	err := s.Do(ctx, "POST", "/pipeline-promotions", map[string]any{"pipeline": map[string]string{"id": p.ID},
		"source": map[string]any{"app": map[string]string{"id": from.ID}}, "targets": []any{map[string]any{"app": map[string]string{"id": to.ID}}}}, nil)
	wantError(t, err, 422, "invalid_params", "not kept")
}
