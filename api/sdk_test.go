package api_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/kigo-dev/kigo/client"
)

// The answers are checked by the schema of the variant, which wants every field of its own.
func TestTheVariantOfTheCommandLineHasMore(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.app("myapp")
	s.deploy("myapp", map[string]string{"web": "./web"})
	must(t, s.Do(t.Context(), "POST", "/teams", map[string]string{"name": "crew"}, nil))
	must(t, s.Do(t.Context(), "POST", "/teams/apps", map[string]string{"name": "crewapp", "team": "crew"}, nil))
	sdk := http.Header{"Accept": {"application/vnd.heroku+json; version=3.sdk"}}
	for path, want := range map[string]string{
		"/apps": "base_image_name", "/apps/myapp": "current_build_architecture", "/account": `"mfa_enabled": false`, "/teams": "pipeline_cost_consent_at",
		"/teams/crew": "pipeline_cost_consent_at", "/teams/crew/apps": "base_image_name", "/apps/myapp/releases": `"oci_image": null`,
		"/generations/cedar": "unsupported_features", "/apps/myapp/usage": `"addons": []`, "/teams/crew/usage": `"apps"`, "/teams/crew/apps/crewapp/usage": `"addons": []`,
		"/teams/crew/licenses": "[]", "/teams/crew/license-collections": "[]", "/teams/crew/oauth/authorizations": "[]", "/account/payment-method/apps": "[]",
	} {
		resp, body := s.raw("GET", path, s.token, sdk, nil)
		if resp.StatusCode != http.StatusOK || !strings.Contains(string(body), want) {
			t.Errorf("%s: %d %s", path, resp.StatusCode, body)
		}
	}
	wantError(t, s.Do(t.Context(), "GET", "/teams/crew/apps/myapp/usage", nil, nil), 404, "not_found", "app")
}

func TestCapabilitiesAreAnsweredByCan(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	app := s.app("myapp")
	ask := `{"capabilities":[{"capability":"manage_dynos","resource_id":"myapp","resource_type":"app"},{"capability":"view_app","resource_id":"other","resource_type":"app"},
		{"capability":"fly","resource_id":"myapp","resource_type":"app"},{"capability":"view","resource_id":"nobody","resource_type":"team"}]}`
	var got struct{ Capabilities []client.Capability }
	for token, want := range map[string]string{s.token: "true false false false", s.second("bob@example.com", "global"): "false false false false"} {
		_, body := s.raw("PUT", "/users/~/capabilities", token, http.Header{"Accept": {"application/vnd.heroku+json; version=3.sdk"}}, []byte(ask))
		must(t, json.Unmarshal(body, &got))
		words := ""
		for _, c := range got.Capabilities {
			words += map[bool]string{true: "true ", false: "false "}[c.Capable]
		}
		if strings.TrimSpace(words) != want || token != s.token && got.Capabilities[0].ResourceCanonicalID == app.ID {
			t.Errorf("%s: %s", want, body)
		}
	}
	wantError(t, s.Do(t.Context(), "PUT", "/users/~/capabilities", map[string]any{}, nil), 422, "invalid_params", "capabilities")
}

func TestIdentityProvidersHaveCertificates(t *testing.T) {
	t.Parallel()
	s, ctx := newServer(t), t.Context()
	must(t, s.Do(ctx, "POST", "/teams", map[string]string{"name": "crew"}, nil))
	one, two := signed(t, time.Now().Add(time.Hour), nil, "one").chain, signed(t, time.Now().Add(time.Hour), nil, "two").chain
	var p client.ProviderWhole
	body := map[string]any{"certificate": one, "entity_id": "urn:sso", "sso_target_url": "https://sso.example.com", "owner": map[string]string{"name": "crew", "type": "team"}}
	must(t, s.Do(ctx, "POST", "/identity-providers", body, &p))
	at := "/identity-providers/" + p.ID
	body["enabled"] = true
	wantError(t, s.Do(ctx, "PATCH", at, body, nil), 422, "invalid_params", "not asked")
	must(t, s.Do(ctx, "PATCH", at, map[string]string{"slo_target_url": "https://sso.example.com/out"}, &p))
	var added, got client.ProviderCertificate
	must(t, s.Do(ctx, "POST", at+"/certificates", map[string]string{"body": two}, &added))
	wantError(t, s.Do(ctx, "POST", at+"/certificates", map[string]string{"body": "x"}, nil), 422, "invalid_params", "PEM")
	must(t, s.Do(ctx, "GET", at, nil, &p))
	if len(p.Certificates) != 2 || p.Enabled || p.SLOTargetURL == "" {
		t.Fatalf("provider %+v", p)
	}
	must(t, s.Do(ctx, "GET", at+"/certificates/"+added.ID, nil, &got))
	must(t, s.Do(ctx, "PATCH", at+"/certificates/"+added.ID, map[string]string{"name": "x"}, &got))
	must(t, s.Do(ctx, "DELETE", at+"/certificates/"+added.ID, nil, &got))
	wantError(t, s.Do(ctx, "GET", at+"/certificates/"+added.ID, nil, nil), 404, "not_found", "certificate")
	wantError(t, s.Do(ctx, "DELETE", at+"/certificates/"+p.Certificates[0].ID, nil, nil), 422, "invalid_params", "needs a certificate")
	bob := s.as(s.second("bob@example.com", "global"))
	wantError(t, bob.Do(ctx, "GET", at, nil, nil), 404, "not_found", "identity provider")
}
