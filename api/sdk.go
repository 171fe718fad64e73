package api

import (
	"encoding/json"
	"reflect"
	"strings"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/client"
	"github.com/kigo-dev/kigo/store"
)

// The variant 3.sdk of the API, which Heroku's command line asks for, has more fields than
// version 3. They say what is so for everything here.

// more lists, for a shape, the fields that only the variant has.
var more = map[reflect.Type]map[string]any{
	reflect.TypeFor[client.App]():     appMore,
	reflect.TypeFor[client.TeamApp](): appMore,
	reflect.TypeFor[client.Account](): {
		"acknowledged_msa": false, "acknowledged_msa_at": nil, "eco_dynos_enabled": false, "eco_dynos_shutdown_at": nil, "italian_customer_terms": nil,
		"italian_partner_terms": nil, "mfa_enabled": false, "mfa_exemption": false, "mfa_exemption_reason": nil, "mfa_experience": "legacy", "pipeline_cost_consent_at": nil,
	},
	reflect.TypeFor[client.Team]():       {"pipeline_cost_consent_at": nil, "pipeline_cost_consent_user_email": nil},
	reflect.TypeFor[client.Release]():    {"oci_image": nil},
	reflect.TypeFor[client.Generation](): {"unsupported_features": []string{}, "expanded_supported_features": []any{}},
}

var appMore = map[string]any{"base_image_name": nil, "buildpacks": nil, "current_build_architecture": []any{}}

// sdk reports whether the client asks for the variant.
func (c *call) sdk() bool { return strings.Contains(c.r.Header.Get("Accept"), "version=3.sdk") }

// enrich adds to a body what the variant has more.
func enrich(body any) (any, error) {
	t := reflect.TypeOf(body)
	if t == nil {
		return body, nil
	}
	list := t.Kind() == reflect.Slice
	if list {
		t = t.Elem()
	}
	fields := more[t]
	if fields == nil {
		return body, nil
	}
	data, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	var all []map[string]any
	if !list {
		data = append(append([]byte("["), data...), ']')
	}
	if err := json.Unmarshal(data, &all); err != nil {
		return nil, err
	}
	for _, one := range all {
		for name, v := range fields {
			if _, has := one[name]; !has {
				one[name] = v
			}
		}
		if on, has := one["two_factor_authentication"]; has {
			one["mfa_enabled"] = on
		}
	}
	if list {
		return all, nil
	}
	return all[0], nil
}

// appAddonUsage is what add-ons of an app have metered: there are none.
func appAddonUsage(c *call) (reply, error) {
	if c.route.below() == "team" {
		if err := c.findApp(c.param("other")); err != nil {
			return reply{}, err
		}
		if c.app.Owner != c.team.ID {
			return reply{}, kigo.NotFound("app")
		}
	}
	return ok(map[string]any{"addons": []any{}}), nil
}

func teamAddonUsage(c *call) (reply, error) {
	apps, err := c.appsOfTeam()
	all := []map[string]any{}
	for _, a := range apps {
		all = append(all, map[string]any{"id": a.ID, "addons": []any{}})
	}
	return ok(map[string]any{"apps": all}), err
}

// capabilityWords says which permission a capability of Heroku's is; any other is one of
// the permissions itself, or "manage_…", which needs operate.
var capabilityWords = map[string]string{
	"view_app": kigo.PermissionView, "deploy_app": kigo.PermissionDeploy, "manage_app": kigo.PermissionManage, "transfer_app": kigo.PermissionManage,
	"delete_app": kigo.PermissionManage, "manage_collaborators": kigo.PermissionManage,
}

// maxCapabilities is how many may be asked for at once.
const maxCapabilities = 100

// capabilityList says what the actor may do with apps and teams. One that it may not see is
// not to be told from one that is not there.
func capabilityList(c *call) (reply, error) {
	var in struct {
		Capabilities []struct {
			Capability   *string `json:"capability"`
			ResourceID   *string `json:"resource_id"`
			ResourceType *string `json:"resource_type"`
		} `json:"capabilities"`
	}
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	if in.Capabilities == nil || len(in.Capabilities) > maxCapabilities {
		return reply{}, kigo.Invalid("capabilities is required: at most %d.", maxCapabilities)
	}
	out := []client.Capability{}
	for _, one := range in.Capabilities {
		asked := client.Capability{Capability: value(one.Capability), ResourceID: value(one.ResourceID), ResourceType: value(one.ResourceType)}
		asked.Capable, asked.ResourceCanonicalID = c.capable(asked)
		out = append(out, asked)
	}
	return ok(map[string]any{"capabilities": out}), nil
}

func (c *call) capable(asked client.Capability) (yes bool, id string) {
	verb := capabilityWords[asked.Capability]
	if verb == "" {
		verb = strings.TrimSuffix(asked.Capability, "_app")
	}
	if strings.HasPrefix(verb, "manage_") || strings.HasPrefix(verb, "update_") {
		verb = kigo.PermissionOperate
	}
	switch asked.ResourceType {
	case "app":
		var app kigo.App
		err := c.view(func(tx *store.Tx) (err error) {
			app, err = tx.FindApp(asked.ResourceID)
			return err
		})
		if err != nil || ctrl(c).Can(c.ctx(), c.actor, kigo.PermissionView, app) != nil {
			return false, ""
		}
		return ctrl(c).Can(c.ctx(), c.actor, verb, app) == nil, string(app.ID)
	case "team":
		if verb == kigo.PermissionOperate {
			verb = kigo.PermissionManage
		}
		t, err := ctrl(c).Team(c.ctx(), c.actor, kigo.PermissionView, asked.ResourceID)
		if err != nil {
			return false, ""
		}
		return ctrl(c).Can(c.ctx(), c.actor, verb, t) == nil, string(t.ID)
	}
	return false, ""
}
