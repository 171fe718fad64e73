package api_test

import (
	"testing"

	"github.com/kigo-dev/kigo/client"
)

func TestASetupIsFollowedToItsEnd(t *testing.T) {
	t.Parallel()
	s, ctx := newServer(t), t.Context()
	bob := s.as(s.second("bob@example.com", "global"))
	var made client.AppSetup
	must(t, s.Do(ctx, "POST", "/app-setups", map[string]any{
		"source_blob": map[string]any{"url": "https://example.com/source.tgz"}, "app": map[string]any{"name": "myapp"},
	}, &made))
	if made.Status != "pending" || made.App.Name != "myapp" || made.Build != nil {
		t.Errorf("at first: %+v", made)
	}
	must(t, s.control.BeginSetup(ctx, made.ID, `{"env":{"GREETING":"hello"},"success_url":"/welcome"}`))
	var now client.AppSetup
	must(t, s.Do(ctx, "GET", "/app-setups/"+made.ID, nil, &now))
	if now.Status != "pending" || now.Build == nil || now.ResolvedSuccessURL != nil {
		t.Errorf("while it builds: %+v", now)
	}
	must(t, s.control.FinishSetup(ctx, made.ID, "", nil))
	must(t, s.Do(ctx, "GET", "/app-setups/"+made.ID, nil, &now))
	if now.Status != "succeeded" || now.ResolvedSuccessURL == nil || *now.ResolvedSuccessURL != "http://myapp.localhost:8080/welcome" {
		t.Errorf("at its end: %+v", now)
	}
	wantError(t, bob.Do(ctx, "GET", "/app-setups/"+made.ID, nil, nil), 404, "not_found", "app setup")
	wantError(t, s.Do(ctx, "GET", "/app-setups/none", nil, nil), 404, "not_found", "app setup")

	must(t, s.Do(ctx, "POST", "/app-setups", map[string]any{"source_blob": map[string]any{"url": "https://example.com/source.tgz"}}, &made))
	must(t, s.control.BeginSetup(ctx, made.ID, `{"env":{"NEEDED":{"required":true}}}`))
	must(t, s.Do(ctx, "GET", "/app-setups/"+made.ID, nil, &now))
	if now.Status != "failed" || now.FailureMessage == nil || len(now.ManifestErrors) == 0 {
		t.Errorf("without what its app.json requires: %+v", now)
	}
}
