package api_test

import (
	"testing"

	"github.com/kigo-dev/kigo/client"
)

func TestAlertsComeAndGoAndShowNoCredentials(t *testing.T) {
	t.Parallel()
	s, ctx := newServer(t), t.Context()
	s.app("myapp")
	a, err := s.AddAlert(ctx, "myapp", client.NewAlert{Metric: "response-time", Above: 500, Remind: "1h", Webhook: "https://u:hunter2@hooks.example.com/x"})
	must(t, err)
	if a.Name != "response-time" || a.Clear != 450 || a.For != "5m0s" || a.Secret == nil || a.Webhook == nil || *a.Webhook != "https://u:xxxxx@hooks.example.com/x" {
		t.Errorf("added %+v", a)
	}
	all, err := s.Alerts(ctx, "myapp")
	must(t, err)
	if len(all) != 1 || all[0].Secret != nil || all[0].State != "ok" || all[0].Value != nil {
		t.Errorf("listed %+v", all)
	}
	hook := "https://hooks.example.com/"
	below := 600.0
	for _, c := range []struct {
		n    client.NewAlert
		want string
	}{
		{client.NewAlert{Metric: "weather", Above: 1, Webhook: hook}, `metric "weather" cannot be watched`},
		{client.NewAlert{Metric: "memory", Above: -1, Webhook: hook}, "above is -1"},
		{client.NewAlert{Metric: "memory", Above: 500, Clear: &below, Webhook: hook}, "clear is 600"},
		{client.NewAlert{Metric: "memory", Above: 90, For: "soon", Webhook: hook}, `for is "soon"`},
		{client.NewAlert{Metric: "memory", Above: 90, For: "1s", Webhook: hook}, "for is 1s"},
		{client.NewAlert{Metric: "memory", Above: 90, Remind: "1s", Webhook: hook}, "remind is 1s"},
		{client.NewAlert{Metric: "response-time", Above: 90, Process: "web", Webhook: hook}, `process "web"`},
		{client.NewAlert{Metric: "memory", Above: 90}, "Nobody would be told"},
		{client.NewAlert{Metric: "memory", Above: 90, Emails: []string{"nobody"}}, "is not one e-mail address"},
		{client.NewAlert{Metric: "memory", Above: 90, Emails: []string{"a@example.com"}}, "This server sends no e-mail"},
		{client.NewAlert{Metric: "memory", Above: 90, Webhook: "http://hooks.example.com/"}, "Webhook is invalid"},
		{client.NewAlert{Metric: "memory", Above: 90, Webhook: "https://192.168.0.1/"}, "not public"},
		{client.NewAlert{Metric: "memory", Name: "Bad Name", Above: 90, Webhook: hook}, "Name is invalid"},
	} {
		_, err := s.AddAlert(ctx, "myapp", c.n)
		wantError(t, err, 422, "invalid_params", c.want)
	}
	_, err = s.AddAlert(ctx, "myapp", client.NewAlert{Metric: "response-time", Above: 1, Webhook: hook})
	wantError(t, err, 409, "conflict", "response-time already")
	_, err = s.RemoveAlert(ctx, "myapp", "response-time")
	must(t, err)
	_, err = s.RemoveAlert(ctx, "myapp", "response-time")
	wantError(t, err, 404, "not_found", "Couldn't find that alert.")
}
