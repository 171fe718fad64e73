package api_test

import (
	"testing"

	"github.com/kigo-dev/kigo/client"
)

func TestDomainsComeAndGo(t *testing.T) {
	s, ctx := newServer(t), t.Context()
	s.app("myapp")
	s.app("other")
	var d client.Domain
	must(t, s.Do(ctx, "POST", "/apps/myapp/domains", map[string]any{"hostname": "WWW.example.com", "sni_endpoint": nil}, &d))
	if d.Hostname != "www.example.com" || d.Kind != "custom" || d.CNAME == nil || d.App.Name != "myapp" {
		t.Errorf("added %+v", d)
	}
	err := s.Do(ctx, "POST", "/apps/other/domains", map[string]any{"hostname": "www.example.com"}, nil)
	wantError(t, err, 422, "invalid_params", "www.example.com")
	for _, bad := range []string{"*.com", "foo", "10.0.0.1", "a..b.com", "-a.example.com", "other.localhost", "localhost", "a b.com", "x.example.com\n"} {
		err := s.Do(ctx, "POST", "/apps/myapp/domains", map[string]any{"hostname": bad}, nil)
		wantError(t, err, 422, "invalid_params", "")
	}
	var gone client.Domain
	must(t, s.Do(ctx, "DELETE", "/apps/myapp/domains/www.example.com", nil, &gone))
	if gone.ID != d.ID {
		t.Errorf("removed %+v", gone)
	}
	wantError(t, s.Do(ctx, "DELETE", "/apps/myapp/domains/www.example.com", nil, nil), 404, "not_found", "Couldn't find that domain.")
}
