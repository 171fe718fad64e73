package api_test

import (
	"net/http"
	"testing"

	"github.com/kigo-dev/kigo/client"
)

func TestFavoritesAreOnesOwn(t *testing.T) {
	s := newServer(t)
	s.app("myapp")
	s.app("other")
	ctx := t.Context()
	var f client.Favorite
	must(t, s.Do(ctx, "POST", "/favorites", map[string]any{"type": "app", "resource_id": "myapp"}, &f))
	if f.ResourceName != "myapp" || f.Type != "app" {
		t.Errorf("%+v", f)
	}
	wantError(t, s.Do(ctx, "POST", "/favorites", map[string]any{"type": "app", "resource_id": "myapp"}, nil), 422, "invalid_params", "already a favorite")
	wantError(t, s.Do(ctx, "POST", "/favorites", map[string]any{"type": "app", "resource_id": "nosuch"}, nil), 404, "not_found", "app")
	wantError(t, s.Do(ctx, "POST", "/favorites", map[string]any{"type": "team", "resource_id": "myapp"}, nil), 422, "invalid_params", "only apps")
	wantError(t, s.Do(ctx, "POST", "/favorites", map[string]any{"type": "app"}, nil), 422, "invalid_params", "resource_id is required")

	bob := s.as(s.second("bob@example.com", "global"))
	wantError(t, bob.Do(ctx, "POST", "/favorites", map[string]any{"type": "app", "resource_id": "myapp"}, nil), 404, "not_found", "app")
	wantError(t, bob.Do(ctx, "DELETE", "/favorites/"+f.ID, nil, nil), 404, "not_found", "favorite")
	must(t, s.Do(ctx, "POST", "/apps/myapp/collaborators", map[string]any{"user": "bob@example.com"}, nil))
	must(t, bob.Do(ctx, "POST", "/favorites", map[string]any{"type": "app", "resource_id": "myapp"}, nil))
	favorites := func(c *client.Client, want int) {
		t.Helper()
		var all []client.Favorite
		must(t, c.Do(ctx, "GET", "/favorites?type=app", nil, &all))
		if len(all) != want {
			t.Errorf("%d favorites, not %d: %+v", len(all), want, all)
		}
	}
	favorites(bob, 1)
	must(t, s.Do(ctx, "DELETE", "/apps/myapp/collaborators/bob@example.com", nil, nil))
	favorites(bob, 0)
	favorites(s.Client, 1)
	must(t, s.Do(ctx, "DELETE", "/favorites/"+f.ID, nil, nil))
	favorites(s.Client, 0)
	must(t, s.Do(ctx, "POST", "/favorites", map[string]any{"resource_id": "other"}, nil))
	must(t, s.Do(ctx, "DELETE", "/apps/other", nil, nil))
	favorites(s.Client, 0)
}

func TestServicesBesideTheAPISayWhatIsNotHere(t *testing.T) {
	s := newServer(t)
	s.app("myapp")
	ctx := t.Context()
	for _, path := range []string{"/client/v11/apps/myapp/transfers", "/user/notifications", "/apps/myapp/formation/web/monitors"} {
		var all []any
		must(t, s.Do(ctx, "GET", path, nil, &all))
		if all == nil || len(all) > 0 {
			t.Errorf("%s: %v", path, all)
		}
	}
	var m map[string][]any
	must(t, s.Do(ctx, "GET", "/data/maintenances/v1/apps/myapp", nil, &m))
	if m["maintenances"] == nil || len(m["maintenances"]) > 0 {
		t.Errorf("maintenances: %v", m)
	}
	for _, c := range []struct {
		method, path, part string
		status             int
	}{
		{"GET", "/client/v11/apps/nosuch/transfers", "Couldn't find that app", 404},
		{"GET", "/data/maintenances/v1/apps/nosuch", "Couldn't find that app", 404},
		{"DELETE", "/client/v11/apps/myapp/transfers/1", "Couldn't find that backup. This server has no add-on providers", 404},
		{"GET", "/spaces/x/dynos", "Couldn't find that space. Private Spaces", 404},
		{"PATCH", "/user/notifications/1", "webhooks:add", 404},
		{"POST", "/apps/myapp/formation/web/monitors", "ps:scale", 422},
		{"PATCH", "/apps/myapp/formation/web/monitors/1", "ps:scale", 404},
		{"GET", "/account/github/token", "not connected to GitHub", 404},
		{"GET", "/pipelines/x/repository", "not connected to GitHub", 404},
	} {
		id := "not_found"
		if c.status == 422 {
			id = "invalid_params"
		}
		wantError(t, s.Do(ctx, c.method, c.path, map[string]any{}, nil), c.status, id, c.part)
	}
}

// Heroku's command line sorts lists by names that only their own things would have.
func TestEmptyListsAreSortedByAnything(t *testing.T) {
	s := newServer(t)
	for field, want := range map[string]int{"number": 200, "x ..; max=0 ": 416} {
		r, _ := s.raw("GET", "/addons", s.token, http.Header{"Range": {field + " ..; order=desc,max=1"}}, nil)
		if r.StatusCode != want {
			t.Errorf("%s: %s", field, r.Status)
		}
	}
}
