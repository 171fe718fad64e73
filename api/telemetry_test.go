package api_test

import (
	"testing"

	"github.com/kigo-dev/kigo/client"
)

func TestTelemetryDrainsComeAndGoAndShowNoCredentials(t *testing.T) {
	t.Parallel()
	s, ctx := newServer(t), t.Context()
	app := s.app("myapp")
	ask := func(signals any, endpoint, kind string) map[string]any {
		return map[string]any{"owner": map[string]any{"id": app.ID, "type": "app"}, "signals": signals,
			"exporter": map[string]any{"type": kind, "endpoint": endpoint, "headers": map[string]string{"x-key": "hunter2"}}}
	}
	var d client.TelemetryDrain
	must(t, s.Do(ctx, "POST", "/telemetry-drains", ask([]string{"metrics", "logs"}, "https://u:hunter2@otel.example.com/in", "otlphttp"), &d))
	if d.Owner.ID != app.ID || d.Exporter.Endpoint != "https://u:xxxxx@otel.example.com/in" || d.Exporter.Headers["x-key"] != "xxxxx" || len(d.Signals) != 2 {
		t.Errorf("added %+v", d)
	}
	var all []client.TelemetryDrain
	must(t, s.Do(ctx, "GET", "/apps/myapp/telemetry-drains", nil, &all))
	if len(all) != 1 || all[0].ID != d.ID {
		t.Errorf("listed %+v", all)
	}
	must(t, s.Do(ctx, "PATCH", "/telemetry-drains/"+d.ID, map[string]any{"signals": []string{"logs"}}, &d))
	must(t, s.Do(ctx, "GET", "/telemetry-drains/"+d.ID, nil, &d))
	if len(d.Signals) != 1 || d.Signals[0] != "logs" || d.Exporter.Headers["x-key"] != "xxxxx" {
		t.Errorf("changed to %+v", d)
	}
	good := "https://otel.example.com/"
	for _, c := range []struct {
		body map[string]any
		want string
	}{
		{map[string]any{}, "owner is required"},
		{ask([]string{"metrics", "traces"}, good, "otlphttp"), "makes no traces"},
		{ask([]string{}, good, "otlphttp"), "name metrics, logs or both"},
		{ask([]string{"smoke"}, good, "otlphttp"), `"smoke" is none`},
		{ask([]string{"logs", "logs"}, good, "otlphttp"), "named twice"},
		{ask([]string{"logs"}, good, "otlp"), "only otlphttp is sent"},
		{ask([]string{"logs"}, "otel.example.com", "otlphttp"), "should look like"},
		{ask([]string{"logs"}, "http://otel.example.com", "otlphttp"), "should look like"},
		{ask([]string{"logs"}, "https://127.0.0.1/", "otlphttp"), "not public"},
		{map[string]any{"owner": map[string]any{"id": app.ID, "type": "space"}}, "there are no spaces"},
	} {
		wantError(t, s.Do(ctx, "POST", "/telemetry-drains", c.body, nil), 422, "invalid_params", c.want)
	}
	stranger := s.as(s.second("other@example.com", "global"))
	for _, method := range []string{"GET", "PATCH", "DELETE"} {
		wantError(t, stranger.Do(ctx, method, "/telemetry-drains/"+d.ID, nil, nil), 404, "not_found", "Couldn't find that telemetry drain.")
	}
	must(t, s.Do(ctx, "DELETE", "/telemetry-drains/"+d.ID, nil, &d))
	wantError(t, s.Do(ctx, "GET", "/telemetry-drains/"+d.ID, nil, nil), 404, "not_found", "Couldn't find that telemetry drain.")
}
