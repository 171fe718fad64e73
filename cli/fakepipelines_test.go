package cli_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"time"

	"github.com/kigo-dev/kigo/client"
)

// pipelines answers for mypipe: two apps of staging, one of production.
func (f *fake) pipelines(what, query string, body []byte) (reply, bool) {
	pipe := client.Pipeline{ID: anID, Name: "mypipe", Owner: client.PipelineOwner{ID: "11111111-89ab-cdef-0123-456789abcdef", Type: "user"}, Generation: client.Ref{Name: "cedar"}}
	named := func(name, id string) client.App {
		a := f.app(name)
		a.ID = id
		return a
	}
	apps := []client.App{named("myapp", "a1"), named("live", "a2"), named("also", "a3")}
	stage := []string{"staging", "production", "staging"}
	couplings := make([]client.PipelineCoupling, len(apps))
	for i, a := range apps {
		couplings[i] = client.PipelineCoupling{ID: "c" + a.ID, App: client.IDRef{ID: a.ID}, Pipeline: client.Ref{ID: anID, Name: "mypipe"}, Stage: stage[i], Generation: client.Ref{Name: "cedar"}}
	}
	switch what {
	case "GET /user/notifications":
		return reply{body: []string{}}, true
	case "GET /favorites", "POST /favorites":
		return reply{body: []client.Favorite{{ID: "f1", Type: "app", ResourceName: "live"}}}, true
	case "DELETE /favorites/f1":
		return reply{body: client.Favorite{}}, true
	case "GET /pipelines":
		list := []client.Pipeline{pipe}
		if q, _ := url.ParseQuery(query); q.Get("eq[name]") == "nosuch" {
			list = []client.Pipeline{}
		}
		return reply{body: list}, true
	case "POST /pipelines":
		return reply{201, pipe}, true
	case "GET /pipelines/" + anID, "PATCH /pipelines/" + anID, "DELETE /pipelines/" + anID:
		return reply{body: pipe}, true
	case "GET /pipelines/" + anID + "/pipeline-couplings":
		return reply{body: couplings}, true
	case "POST /filters/apps":
		var found []client.TeamApp
		for _, a := range apps {
			found = append(found, client.TeamApp{App: a, Joined: true})
		}
		return reply{body: found}, true
	case "GET /apps/myapp/pipeline-couplings":
		return reply{body: couplings[0]}, true
	case "GET /apps/live/pipeline-couplings":
		return reply{body: couplings[1]}, true
	case "POST /pipeline-couplings", "PATCH /pipeline-couplings/ca1", "DELETE /pipeline-couplings/ca1":
		return reply{body: couplings[0]}, true
	case "POST /pipeline-promotions":
		return reply{201, client.PipelinePromotion{ID: "p"}}, true
	case "GET /pipeline-promotions/p/promotion-targets":
		return reply{body: []client.PipelinePromotionTarget{{App: client.IDRef{ID: "a2"}, ID: "t", Status: "succeeded"}}}, true
	case "POST /pipeline-transfers":
		return reply{201, client.PipelineTransfer{}}, true
	case "GET /users/~", "GET /users/you@example.com":
		return reply{body: client.Account{ID: "u", Email: "you@example.com"}}, true
	case "GET /pipelines/" + anID + "/stage/test/config-vars":
		return reply{body: map[string]string{"CI_KEY": "1", "OTHER": "two words"}}, true
	case "PATCH /pipelines/" + anID + "/stage/test/config-vars":
		var vars map[string]*string
		_ = json.Unmarshal(body, &vars)
		return reply{body: vars}, true
	}
	return reply{}, false
}

// hooks answers for webhooks and telemetry drains of myapp.
func (f *fake) hooks(what string) (reply, bool) {
	at := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	w := client.Webhook{ID: anID, Include: []string{"api:release", "dyno"}, Level: "notify", URL: "https://hooks.example.com/x", CreatedAt: at}
	d := client.WebhookDelivery{
		ID: "7" + anID[1:], CreatedAt: at, Event: client.DeliveryEvent{ID: "e1", Include: "dyno"}, Status: "retrying", NumAttempts: 2,
		Webhook: client.DeliveryWebhook{ID: anID, Level: "notify"}, LastAttempt: &client.WebhookAttempt{Code: ptr(500), ErrorClass: ptr("http_failure")}, NextAttemptAt: &at,
	}
	e := client.WebhookEvent{ID: "e1", CreatedAt: at, Include: "dyno", Payload: json.RawMessage(`{"action":"update","published_at":"2026-11-20T12:00:00Z","resource":"dyno"}`)}
	drain := client.TelemetryDrain{
		ID: anID, Signals: []string{"traces", "logs"}, Owner: client.TelemetryOwner{ID: "myapp", Type: "app"},
		Exporter: client.Exporter{Type: "otlphttp", Endpoint: "https://otel.example.com", Headers: map[string]string{"x-key": "k"}},
	}
	switch {
	case what == "GET /apps/myapp/webhooks":
		return reply{body: []client.Webhook{w}}, true
	case what == "GET /apps/empty/webhooks", what == "GET /apps/empty/webhook-deliveries", what == "GET /apps/empty/webhook-events", what == "GET /apps/empty/telemetry-drains":
		return reply{body: []string{}}, true
	case strings.HasPrefix(what, "GET /apps/myapp/webhooks/"), strings.HasPrefix(what, "PATCH /apps/myapp/webhooks/"), strings.HasPrefix(what, "DELETE /apps/myapp/webhooks/"):
		return reply{body: w}, true
	case what == "GET /apps/myapp/webhook-deliveries":
		return reply{body: []client.WebhookDelivery{d}}, true
	case strings.HasPrefix(what, "GET /apps/myapp/webhook-deliveries/"):
		return reply{body: d}, true
	case what == "GET /apps/myapp/webhook-events":
		return reply{body: []client.WebhookEvent{e}}, true
	case strings.HasPrefix(what, "GET /apps/myapp/webhook-events/"):
		return reply{body: e}, true
	case what == "GET /apps/myapp/telemetry-drains":
		return reply{body: []client.TelemetryDrain{drain}}, true
	case strings.Contains(what, "/telemetry-drains"):
		return reply{body: drain}, true
	case what == "GET /api/v4/current-status":
		return reply{body: client.PlatformStatus{Status: []client.SystemStatus{{System: "Apps", Status: "green"}, {System: "Tools", Status: "yellow"}}, Incidents: []client.Incident{}, Scheduled: []client.Incident{}}}, true
	}
	return reply{}, false
}
