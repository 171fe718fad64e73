package api

import (
	"reflect"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/kigo-dev/kigo/client"
)

// GET /schema serves our own hyper-schema: every route there is, and the shapes of its
// answers, made from the very types that are sent.

// shapes are the types of answers, by the noun that handlers are named after.
var shapes = map[string]reflect.Type{
	"account": reflect.TypeFor[client.Account](), "user": reflect.TypeFor[client.Account](), "app": reflect.TypeFor[client.App](),
	"appTransfer": reflect.TypeFor[client.AppTransfer](), "authorization": reflect.TypeFor[client.Authorization](), "build": reflect.TypeFor[client.Build](),
	"buildpackInstallation": reflect.TypeFor[client.BuildpackInstallation](), "collaborator": reflect.TypeFor[client.Collaborator](),
	"coupling": reflect.TypeFor[client.PipelineCoupling](), "delinquency": reflect.TypeFor[client.Delinquency](), "delivery": reflect.TypeFor[client.WebhookDelivery](),
	"domain": reflect.TypeFor[client.Domain](), "dyno": reflect.TypeFor[client.Dyno](), "endpoint": reflect.TypeFor[client.SNIEndpoint](),
	"enterprise": reflect.TypeFor[client.Enterprise](), "enterpriseEvent": reflect.TypeFor[client.AuditTrailEvent](),
	"enterpriseMember": reflect.TypeFor[client.EnterpriseMember](), "enterpriseTeam": reflect.TypeFor[client.Team](),
	"favorite": reflect.TypeFor[client.Favorite](), "formation": reflect.TypeFor[client.Formation](), "generation": reflect.TypeFor[client.Generation](), "identityProvider": reflect.TypeFor[client.IdentityProvider](),
	"key": reflect.TypeFor[client.Key](), "oauthClient": reflect.TypeFor[client.OAuthClient](), "permission": reflect.TypeFor[client.Permission](),
	"pipeline": reflect.TypeFor[client.Pipeline](), "preferences": reflect.TypeFor[client.UserPreferences](), "provider": reflect.TypeFor[client.ProviderWhole](),
	"providerCertificate": reflect.TypeFor[client.ProviderCertificate](), "release": reflect.TypeFor[client.Release](), "session": reflect.TypeFor[client.Session](), "team": reflect.TypeFor[client.Team](),
	"teamApp": reflect.TypeFor[client.TeamApp](), "teamFeature": reflect.TypeFor[client.TeamFeature](), "teamInvitation": reflect.TypeFor[client.TeamInvitation](),
	"teamMember": reflect.TypeFor[client.TeamMember](), "teamPermission": reflect.TypeFor[client.PermissionEntity](), "teamPreferences": reflect.TypeFor[client.TeamPreferences](),
	"token": reflect.TypeFor[client.OAuthToken](), "webhook": reflect.TypeFor[client.Webhook](), "webhookEvent": reflect.TypeFor[client.WebhookEvent](),
}

// schemaRels are the ends of handlers' names, with what they mean.
var schemaRels = []struct{ suffix, rel string }{
	{"List", "instances"}, {"InstallationUpdate", "instances"}, {"Info", "self"}, {"Create", "create"}, {"Update", "update"}, {"Put", "update"}, {"Delete", "destroy"},
}

type schemaLink struct {
	Description string         `json:"description"`
	Href        string         `json:"href"`
	Method      string         `json:"method"`
	Rel         string         `json:"rel"`
	Scope       string         `json:"scope"`
	Permission  string         `json:"permission,omitempty"`
	Title       string         `json:"title"`
	Target      map[string]any `json:"targetSchema,omitempty"`
}

// schemaInfo lists the API: a definition for each shape, a link for each route.
func schemaInfo(c *call) (reply, error) { return ok(describeAPI(c.s.table)), nil }

func describeAPI(table []route) map[string]any {
	definitions := map[string]any{}
	for noun, t := range shapes {
		definitions[noun] = typeSchema(t)
	}
	var links []schemaLink
	for _, rt := range table {
		links = append(links, rt.link())
	}
	slices.SortFunc(links, func(a, b schemaLink) int {
		return strings.Compare(a.Href+" "+a.Method, b.Href+" "+b.Method)
	})
	return map[string]any{
		"$schema":     "http://interagent.github.io/interagent-hyper-schema",
		"id":          "kigo",
		"title":       "Kigo Platform API",
		"description": "Compatible with version 3 of Heroku's Platform API. Each route says which scope a token needs, and which permission of the app, team or enterprise account it is below.",
		"type":        []string{"object"},
		"definitions": definitions,
		"links":       links,
	}
}

// link describes a route. Its title and shape follow from its handler's name.
func (rt route) link() schemaLink {
	l := schemaLink{Href: rt.pattern, Method: rt.method, Rel: "self", Scope: string(rt.access), Permission: rt.permission()}
	if rt.refused() {
		l.Title, l.Rel, l.Description = "refused", "empty", "Answers with the reason why this is not provided."
		return l
	}
	name := runtime.FuncForPC(reflect.ValueOf(rt.handle).Pointer()).Name()
	name = name[strings.LastIndexByte(name, '.')+1:]
	l.Title = words(name)
	for _, r := range schemaRels { // the first that fits
		noun, found := strings.CutSuffix(name, r.suffix)
		if r.suffix == "InstallationUpdate" { // it answers with all of them
			noun += "Installation"
		}
		if !found {
			continue
		}
		l.Rel = r.rel
		if shapes[noun] == nil {
			break
		}
		ref := map[string]any{"$ref": "#/definitions/" + noun}
		if l.Target = ref; r.rel == "instances" {
			l.Target = map[string]any{"type": []string{"array"}, "items": ref}
		}
		break
	}
	l.Description = strings.ToUpper(l.Title[:1]) + l.Title[1:] + "."
	return l
}

// words takes a name apart: "appTransferList" is "app transfer list".
func words(name string) string {
	var b strings.Builder
	for _, r := range name {
		if r >= 'A' && r <= 'Z' {
			b.WriteByte(' ')
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return b.String()
}

// typeSchema is the schema of what encoding/json makes of a type.
func typeSchema(t reflect.Type) map[string]any {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return map[string]any{"type": []string{"string"}, "format": "date-time"}
	case t.Kind() == reflect.Pointer:
		s := typeSchema(t.Elem())
		if kinds, is := s["type"].([]string); is {
			s["type"] = append(slices.Clone(kinds), "null")
		}
		return s
	}
	switch t.Kind() {
	case reflect.String:
		return map[string]any{"type": []string{"string"}}
	case reflect.Bool:
		return map[string]any{"type": []string{"boolean"}}
	case reflect.Int, reflect.Int32, reflect.Int64, reflect.Uint32:
		return map[string]any{"type": []string{"integer"}}
	case reflect.Float64:
		return map[string]any{"type": []string{"number"}}
	case reflect.Struct:
		properties, required := map[string]any{}, []string{}
		structSchema(t, properties, &required)
		return map[string]any{"type": []string{"object"}, "properties": properties, "required": required}
	case reflect.Slice:
		if t.Elem().Kind() != reflect.Uint8 { // json.RawMessage may be anything
			return map[string]any{"type": []string{"array", "null"}, "items": typeSchema(t.Elem())}
		}
	case reflect.Map:
		return map[string]any{"type": []string{"object", "null"}}
	}
	return map[string]any{}
}

func structSchema(t reflect.Type, properties map[string]any, required *[]string) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "":
			structSchema(f.Type, properties, required)
		case name == "-" || !f.IsExported():
		default:
			properties[name] = typeSchema(f.Type)
			if options == "" {
				*required = append(*required, name)
			}
		}
	}
}
