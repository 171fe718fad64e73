package api_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/kigo-dev/kigo/client"
)

func TestDrainsComeAndGoAndShowNoCredentials(t *testing.T) {
	t.Parallel()
	s, ctx := newServer(t), t.Context()
	s.app("myapp")
	s.app("other")
	const secretURL = "https://user:hunter2@logs.example.com/x?key=hunter2"
	d, err := s.AddDrain(ctx, "myapp", secretURL)
	must(t, err)
	if d.URL != "https://user:xxxxx@logs.example.com/x?key=xxxxx" || !strings.HasPrefix(d.Token, "d.") || d.App.Name != "myapp" {
		t.Errorf("added %+v", d)
	}
	_, err = s.AddDrain(ctx, "myapp", secretURL)
	wantError(t, err, 409, "conflict", "user:xxxxx@")
	for _, bad := range []string{"", "http://logs.example.com", "https://10.0.0.1/", "syslog://logs.example.com", "https://u:hunter2@x/\n"} {
		_, err := s.AddDrain(ctx, "myapp", bad)
		wantError(t, err, 422, "invalid_params", "")
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the refusal %v repeats a password", err)
		}
	}
	all, err := s.Drains(ctx, "myapp", true)
	must(t, err)
	if len(all) != 1 || all[0].ID != d.ID || all[0].Extended == nil || all[0].Extended.DrainID != d.ID {
		t.Errorf("listed %+v", all)
	}
	for _, which := range []string{d.ID, d.Token, secretURL, d.URL} {
		var found client.Drain
		must(t, s.Do(ctx, "GET", "/apps/myapp/log-drains/"+url.PathEscape(which), nil, &found))
		if found.ID != d.ID {
			t.Errorf("%s: found %+v", which, found)
		}
		wantError(t, s.Do(ctx, "GET", "/apps/other/log-drains/"+url.PathEscape(which), nil, nil), 404, "not_found", "Couldn't find that drain.")
	}
	gone, err := s.RemoveDrain(ctx, "myapp", secretURL)
	must(t, err)
	if gone.ID != d.ID {
		t.Errorf("removed %+v", gone)
	}
	_, err = s.RemoveDrain(ctx, "myapp", d.Token)
	wantError(t, err, 404, "not_found", "Couldn't find that drain.")
}
