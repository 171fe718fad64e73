package api

import (
	"net/http"
	"slices"
	"strings"

	"github.com/kigo-dev/kigo"
)

// refusal is what this server does not do: why, what is not found when somebody
// asks for one, and the calls of Heroku's that are refused for it. Calls about a thing
// that cannot be made here are no refusals: they find none, as everywhere.
type refusal struct {
	why      string
	resource string
	later    bool // planned: what is behind it is being built
	absent   bool // there can be none here: whatever is asked about one is not found, which is true
	calls    []string
}

const (
	noSpaces = "Private Spaces are networks that Heroku rents out. An app here runs on the operator's own machines: separate them by running another server."
	noAddons = "This server has no add-on providers. Run the service elsewhere and give the app its address by a config var."
)

// refusals is the table of everything in Heroku's schema that is answered with a
// reason. A call of the schema is served by routes, or it is here; a test counts.
var refusals = []refusal{
	{why: noSpaces, resource: "space", calls: []string{
		"POST /spaces",
	}},
	{why: noSpaces, resource: "space", absent: true, calls: []string{
		"PATCH /spaces/{space}", "DELETE /spaces/{space}", "POST /spaces/{space}/transfer", "GET /spaces/{space}/inbound-ruleset",
		"PUT /spaces/{space}/inbound-ruleset", "GET /spaces/{space}/inbound-rulesets", "GET /spaces/{space}/inbound-rulesets/{ruleset}",
		"GET /spaces/{space}/members", "GET /spaces/{space}/members/{account}", "PATCH /spaces/{space}/members/{account}", "GET /spaces/{space}/nat",
		"GET /spaces/{space}/topology", "GET /spaces/{space}/telemetry-drains", "GET /spaces/{space}/peering-info", "GET /spaces/{space}/peerings",
		"GET /spaces/{space}/peerings/{peering}", "DELETE /spaces/{space}/peerings/{peering}", "POST /spaces/{space}/peerings/{peering}/actions/accept",
		"GET /spaces/{space}/hosts", "GET /spaces/{space}/log-drain", "PUT /spaces/{space}/log-drain", "POST /spaces/{space}/peerings",
		"GET /spaces/{space}/vpn-connections", "POST /spaces/{space}/vpn-connections", "GET /spaces/{space}/vpn-connections/{vpn}",
		"PATCH /spaces/{space}/vpn-connections/{vpn}", "DELETE /spaces/{space}/vpn-connections/{vpn}",
	}},
	{why: "Nothing costs anything here: there are no payments, credits or invoices.", resource: "invoice address", calls: []string{
		"POST /account/credits", "GET /account/invoice-address", "PUT /account/invoice-address",
		"PATCH /account/payment-method", "POST /account/payments", "POST /teams/{team}/payments",
	}},
	{why: "Nothing costs anything here: there are no payments, credits or invoices.", resource: "invoice", absent: true, calls: []string{
		"GET /account/payment-method", "GET /account/credits/{credit}", "GET /account/invoices/{invoice}", "GET /teams/{team}/invoices/{invoice}",
	}},
	{why: "Archives of events are not kept: `kigo audit` and the list of events have them.", resource: "archive", absent: true, calls: []string{
		"GET /enterprise-accounts/{enterprise}/archives", "GET /enterprise-accounts/{enterprise}/archives/{year}/{month}",
	}},
	{why: "Tokens of other services of Heroku's are not made here: make an authorization with `heroku authorizations:create`.", resource: "token", calls: []string{
		"POST /users/~/gateway-tokens", "POST /users/~/gateway-tokens/oauth-authorization", "POST /teams/{team}/oauth/authorizations",
	}},
	{why: "Builds run on this server, with its own cache: `heroku builds:cache:purge` empties it.", resource: "build metadata", calls: []string{
		"GET /apps/{app}/build-metadata",
	}},
	{why: "An identity provider stays with its team.", resource: "identity provider", absent: true, calls: []string{
		"POST /identity-providers/{provider}/migrate",
	}},
	{why: "This server sends no text messages.", resource: "SMS number", calls: []string{
		"GET /users/{user}/sms-number", "POST /users/{user}/sms-number/actions/confirm", "POST /users/{user}/sms-number/actions/recover",
	}},
	{why: noAddons, resource: "add-on", absent: true, calls: []string{
		"GET /addon-attachments/{attachment}/telemetry-ingress-info", "GET /addons/{addon}/sso", "GET /apps/{app}/addons/{addon}/sso",
		"POST /addons/{addon}/actions/peer", "POST /addons/{addon}/actions/unpeer", "GET /plans/{plan}/meters", "GET /plans/{plan}/meters/{meter}",
		"GET /resource/{resource}/usage-history",
		"GET /addons/{addon}", "PATCH /apps/{app}/addons/{addon}", "DELETE /apps/{app}/addons/{addon}", "GET /addons/{addon}/config", "PATCH /addons/{addon}/config",
		"POST /addons/{addon}/actions/provision", "POST /addons/{addon}/actions/deprovision", "GET /addons/{addon}/addon-attachments", "POST /addon-attachments",
		"GET /addon-attachments/{attachment}", "DELETE /addon-attachments/{attachment}", "GET /addons/{addon}/log-drains", "PUT /addons/{addon}/log-drains/{drain}",
		"GET /addons/{addon}/webhooks", "POST /addons/{addon}/webhooks", "GET /addons/{addon}/webhooks/{webhook}", "PATCH /addons/{addon}/webhooks/{webhook}",
		"DELETE /addons/{addon}/webhooks/{webhook}", "GET /addons/{addon}/webhook-deliveries", "GET /addons/{addon}/webhook-deliveries/{delivery}",
		"GET /addons/{addon}/webhook-events", "GET /addons/{addon}/webhook-events/{event}", "GET /addon-services/{service}",
		"GET /addon-services/{service}/region-capabilities", "GET /addon-services/{service}/plans", "GET /addon-services/{service}/plans/{plan}",
		"GET /plans/{plan}", "POST /teams/{team}/allowed-addon-services", "DELETE /teams/{team}/allowed-addon-services/{service}",
	}},
	{why: "This server makes no review apps: nothing here follows pull requests. Make an app (`heroku apps:create`) and add it to the pipeline at the stage review (`heroku pipelines:add`).", resource: "review app", calls: []string{
		"POST /review-apps",
	}},
	{why: "This server makes no review apps: nothing here follows pull requests. Make an app (`heroku apps:create`) and add it to the pipeline at the stage review (`heroku pipelines:add`).", resource: "review app", absent: true, calls: []string{
		"GET /review-apps/{review}", "DELETE /review-apps/{review}", "GET /apps/{app}/review-app",
	}},
	{why: "This server runs no tests: nothing here would run them. Run them in a one-off dyno: `heroku run`.", resource: "test run", calls: []string{
		"POST /test-runs",
	}},
	{why: "This server runs no tests: nothing here would run them. Run them in a one-off dyno: `heroku run`.", resource: "test run", absent: true, calls: []string{
		"GET /test-runs/{run}", "PATCH /test-runs/{run}", "GET /test-runs/{run}/test-cases", "GET /test-runs/{run}/test-nodes",
		"GET /pipelines/{pipeline}/test-runs/{run}",
	}},
}

// allRoutes are those that are served and those that are refused.
func allRoutes() []route { return slices.Concat(routes, besideRoutes, refusedRoutes()) }

// refusedRoutes makes the routes of the tables. Who asks must be known, as
// everywhere; nothing of the body is looked at.
func refusedRoutes() (out []route) {
	for _, r := range slices.Concat(refusals, besideRefusals) {
		for _, call := range r.calls {
			method, pattern, _ := strings.Cut(call, " ")
			out = append(out, route{method: method, pattern: pattern, access: identity, handle: r.refuse})
		}
	}
	return out
}

// refusedKeys are the methods and patterns of the tables.
var refusedKeys = func() map[string]bool {
	keys := map[string]bool{}
	for _, r := range slices.Concat(refusals, besideRefusals) {
		for _, call := range r.calls {
			keys[call] = true
		}
	}
	return keys
}()

// refused reports whether the route is of the tables of refusals.
func (rt route) refused() bool { return refusedKeys[rt.method+" "+rt.pattern] }

// refuse says that what is asked for is not there, or why it cannot be done.
func (r refusal) refuse(c *call) (reply, error) {
	e := kigo.Invalid("%s", r.why)
	if r.absent || c.r.Method == http.MethodGet {
		e = kigo.NotFound(r.resource)
		e.Message += " " + r.why
	}
	return reply{}, e
}
