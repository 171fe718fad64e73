package api

import (
	"net/http"
	"strings"

	"github.com/kigo-dev/kigo"
)

// permissions says what somebody must be allowed to do with an app, a team or an
// enterprise account for a route below it. A route without a line here is for who
// manages it, so that none is open by accident, and a test asks for the line.
var permissions = map[string]string{
	"GET /apps/{app}":                                 kigo.PermissionView,
	"PATCH /apps/{app}":                               kigo.PermissionOperate, // a new name needs manage, apps.go
	"DELETE /apps/{app}":                              kigo.PermissionManage,
	"GET /apps/{app}/collaborators":                   kigo.PermissionView,
	"POST /apps/{app}/collaborators":                  kigo.PermissionManage,
	"GET /apps/{app}/collaborators/{collaborator}":    kigo.PermissionView,
	"DELETE /apps/{app}/collaborators/{collaborator}": kigo.PermissionView, // anybody may leave, collaborators.go
	"GET /apps/{app}/features":                        kigo.PermissionView,
	"GET /apps/{app}/features/{feature}":              kigo.PermissionView,
	"PATCH /apps/{app}/features/{feature}":            kigo.PermissionOperate,

	"GET /apps/{app}/config-vars":                    kigo.PermissionDeploy,
	"PATCH /apps/{app}/config-vars":                  kigo.PermissionOperate,
	"GET /apps/{app}/config-vars-settings":           kigo.PermissionDeploy,
	"PATCH /apps/{app}/config-vars-settings":         kigo.PermissionOperate,
	"GET /apps/{app}/releases/{release}/config-vars": kigo.PermissionDeploy,

	"GET /apps/{app}/builds":                  kigo.PermissionView,
	"POST /apps/{app}/builds":                 kigo.PermissionDeploy,
	"GET /apps/{app}/builds/{build}":          kigo.PermissionView,
	"DELETE /apps/{app}/builds/{build}":       kigo.PermissionDeploy,
	"GET /apps/{app}/builds/{build}/result":   kigo.PermissionView,
	"DELETE /apps/{app}/build-cache":          kigo.PermissionDeploy,
	"GET /apps/{app}/buildpack-installations": kigo.PermissionView,
	"PUT /apps/{app}/buildpack-installations": kigo.PermissionDeploy,
	"POST /apps/{app}/sources":                kigo.PermissionDeploy,

	"GET /apps/{app}/releases":           kigo.PermissionView,
	"POST /apps/{app}/releases":          kigo.PermissionDeploy,
	"GET /apps/{app}/releases/{release}": kigo.PermissionView,
	"POST /apps/{app}/slugs":             kigo.PermissionDeploy,
	"POST /apps/{app}/oci-images":        kigo.PermissionDeploy,
	"GET /apps/{app}/oci-images/{image}": kigo.PermissionDeploy,
	"GET /apps/{app}/slugs/{slug}":       kigo.PermissionDeploy, // its answer has the address of the code

	"GET /apps/{app}/dynos":                           kigo.PermissionView,
	"POST /apps/{app}/dynos":                          kigo.PermissionOperate,
	"DELETE /apps/{app}/dynos":                        kigo.PermissionOperate,
	"POST /apps/{app}/dynos/{dyno}":                   kigo.PermissionOperate,
	"GET /apps/{app}/dynos/{dyno}":                    kigo.PermissionView,
	"DELETE /apps/{app}/dynos/{dyno}":                 kigo.PermissionOperate,
	"POST /apps/{app}/dynos/{dyno}/actions/stop":      kigo.PermissionOperate,
	"DELETE /apps/{app}/formations/{type}":            kigo.PermissionOperate,
	"POST /apps/{app}/formations/{type}/actions/stop": kigo.PermissionOperate,
	"GET /apps/{app}/formation":                       kigo.PermissionView,
	"PATCH /apps/{app}/formation":                     kigo.PermissionOperate,
	"GET /apps/{app}/formation/{formation}":           kigo.PermissionView,
	"PATCH /apps/{app}/formation/{formation}":         kigo.PermissionOperate,
	"GET /apps/{app}/available-dyno-sizes":            kigo.PermissionView,
	"GET /apps/{app}/available-stacks":                kigo.PermissionView,

	"GET /apps/{app}/egress-rules":           kigo.PermissionView,
	"POST /apps/{app}/egress-rules":          kigo.PermissionOperate,
	"DELETE /apps/{app}/egress-rules/{rule}": kigo.PermissionOperate,
	"GET /apps/{app}/isolation":              kigo.PermissionView,
	"PATCH /apps/{app}/isolation":            kigo.PermissionOperate,

	"GET /apps/{app}/domains":                     kigo.PermissionView,
	"POST /apps/{app}/domains":                    kigo.PermissionOperate,
	"GET /apps/{app}/domains/{domain}":            kigo.PermissionView,
	"PATCH /apps/{app}/domains/{domain}":          kigo.PermissionOperate,
	"DELETE /apps/{app}/domains/{domain}":         kigo.PermissionOperate,
	"POST /apps/{app}/acm":                        kigo.PermissionOperate,
	"PATCH /apps/{app}/acm":                       kigo.PermissionOperate,
	"DELETE /apps/{app}/acm":                      kigo.PermissionOperate,
	"GET /apps/{app}/sni-endpoints":               kigo.PermissionView,
	"POST /apps/{app}/sni-endpoints":              kigo.PermissionOperate,
	"GET /apps/{app}/sni-endpoints/{endpoint}":    kigo.PermissionView,
	"PATCH /apps/{app}/sni-endpoints/{endpoint}":  kigo.PermissionOperate,
	"DELETE /apps/{app}/sni-endpoints/{endpoint}": kigo.PermissionOperate,

	"POST /apps/{app}/log-sessions":                          kigo.PermissionDeploy,
	"POST /favorites":                                        kigo.PermissionView, // of the app that is one
	"GET /client/v11/apps/{app}/transfers":                   kigo.PermissionView,
	"GET /data/maintenances/v1/apps/{app}":                   kigo.PermissionView,
	"GET /apps/{app}/formation/{formation}/monitors":         kigo.PermissionView,
	"GET /apps/{app}/router-metrics/{metric}":                kigo.PermissionView,
	"GET /apps/{app}/formation/{formation}/metrics/{metric}": kigo.PermissionView,
	"GET /apps/{app}/metrics":                                kigo.PermissionView,
	"GET /apps/{app}/metrics/prometheus":                     kigo.PermissionView,
	"GET /apps/{app}/alerts":                                 kigo.PermissionOperate, // addresses may hold credentials
	"POST /apps/{app}/alerts":                                kigo.PermissionOperate,
	"DELETE /apps/{app}/alerts/{alert}":                      kigo.PermissionOperate,
	"GET /apps/{app}/log-inputs":                             kigo.PermissionView,
	"POST /apps/{app}/log-inputs":                            kigo.PermissionOperate,
	"DELETE /apps/{app}/log-inputs/{input}":                  kigo.PermissionOperate,
	"GET /apps/{app}/log-retention":                          kigo.PermissionView,
	"PATCH /apps/{app}/log-retention":                        kigo.PermissionOperate,
	"GET /apps/{app}/log-drains":                             kigo.PermissionOperate, // drains' addresses may hold credentials
	"POST /apps/{app}/log-drains":                            kigo.PermissionOperate,
	"GET /apps/{app}/log-drains/{drain}":                     kigo.PermissionOperate,
	"DELETE /apps/{app}/log-drains/{drain}":                  kigo.PermissionOperate,
	"GET /apps/{app}/telemetry-drains":                       kigo.PermissionOperate,

	"GET /apps/{app}/webhooks":                         kigo.PermissionOperate, // addresses may hold credentials
	"POST /apps/{app}/webhooks":                        kigo.PermissionOperate,
	"GET /apps/{app}/webhooks/{webhook}":               kigo.PermissionOperate,
	"PATCH /apps/{app}/webhooks/{webhook}":             kigo.PermissionOperate,
	"DELETE /apps/{app}/webhooks/{webhook}":            kigo.PermissionOperate,
	"POST /apps/{app}/webhooks/{webhook}/actions/ping": kigo.PermissionOperate,
	"GET /apps/{app}/webhook-deliveries":               kigo.PermissionOperate,
	"GET /apps/{app}/webhook-deliveries/{delivery}":    kigo.PermissionOperate,
	"GET /apps/{app}/webhook-events":                   kigo.PermissionOperate,
	"GET /apps/{app}/webhook-events/{event}":           kigo.PermissionOperate,

	"GET /teams/{team}":                                     kigo.PermissionView,
	"PATCH /teams/{team}":                                   kigo.PermissionView, // a new name needs manage, control/teams.go
	"DELETE /teams/{team}":                                  kigo.PermissionManage,
	"GET /teams/{team}/apps":                                kigo.PermissionView,
	"GET /teams/{team}/members":                             kigo.PermissionView,
	"PUT /teams/{team}/members":                             kigo.PermissionManage,
	"POST /teams/{team}/members":                            kigo.PermissionManage,
	"PATCH /teams/{team}/members":                           kigo.PermissionManage,
	"DELETE /teams/{team}/members/{member}":                 kigo.PermissionView, // anybody may leave, control/teams.go
	"GET /teams/{team}/members/{member}/apps":               kigo.PermissionView,
	"GET /teams/{team}/invitations":                         kigo.PermissionManage, // whoever knows one's id may not yet use it; still nobody else's business
	"PUT /teams/{team}/invitations":                         kigo.PermissionManage,
	"DELETE /teams/{team}/invitations/{invitation}":         kigo.PermissionManage,
	"GET /teams/{team}/features":                            kigo.PermissionView,
	"GET /teams/{team}/features/{feature}":                  kigo.PermissionView,
	"GET /teams/{team}/permissions":                         kigo.PermissionView,
	"GET /teams/{team}/isolation":                           kigo.PermissionView,
	"PATCH /teams/{team}/isolation":                         kigo.PermissionManage,
	"GET /teams/{team}/preferences":                         kigo.PermissionView,
	"PATCH /teams/{team}/preferences":                       kigo.PermissionManage,
	"GET /teams/{team}/pipeline-couplings":                  kigo.PermissionView,
	"GET /teams/{team}/available-generations":               kigo.PermissionView,
	"GET /teams/{team}/identity-providers":                  kigo.PermissionManage,
	"POST /teams/{team}/identity-providers":                 kigo.PermissionManage,
	"PATCH /teams/{team}/identity-providers/{provider}":     kigo.PermissionManage,
	"DELETE /teams/{team}/identity-providers/{provider}":    kigo.PermissionManage,
	"GET /teams/{team}/licenses":                            kigo.PermissionView,
	"GET /teams/{team}/license-collections":                 kigo.PermissionView,
	"GET /teams/{team}/oauth/authorizations":                kigo.PermissionManage,
	"GET /teams/{team}/usage":                               kigo.PermissionView,
	"GET /teams/{team}/usage/daily":                         kigo.PermissionView,
	"GET /teams/{team}/usage/monthly":                       kigo.PermissionView,
	"GET /teams/{team}/apps/{other}/usage":                  kigo.PermissionView,
	"GET /apps/{app}/usage":                                 kigo.PermissionView,
	"GET /teams/{team}/addons":                              kigo.PermissionView,
	"GET /teams/{team}/spaces":                              kigo.PermissionView,
	"GET /teams/{team}/delinquency":                         kigo.PermissionView,
	"GET /teams/{team}/invoices":                            kigo.PermissionView,
	"GET /teams/{team}/invoices/{invoice}":                  kigo.PermissionView,
	"GET /teams/{team}/allowed-addon-services":              kigo.PermissionView,
	"POST /teams/{team}/allowed-addon-services":             kigo.PermissionManage,
	"DELETE /teams/{team}/allowed-addon-services/{service}": kigo.PermissionManage,

	"GET /teams/apps/{app}":                                 kigo.PermissionView,
	"PATCH /teams/apps/{app}":                               kigo.PermissionManage,
	"GET /teams/apps/{app}/collaborators":                   kigo.PermissionView,
	"POST /teams/apps/{app}/collaborators":                  kigo.PermissionView, // members join by themselves; adding others needs manage, collaborators.go
	"GET /teams/apps/{app}/collaborators/{collaborator}":    kigo.PermissionView,
	"PATCH /teams/apps/{app}/collaborators/{collaborator}":  kigo.PermissionManage,
	"DELETE /teams/apps/{app}/collaborators/{collaborator}": kigo.PermissionView, // anybody may leave

	"GET /enterprise-accounts/{enterprise}":                     kigo.PermissionView,
	"PATCH /enterprise-accounts/{enterprise}":                   kigo.PermissionManage,
	"GET /enterprise-accounts/{enterprise}/members":             kigo.PermissionView,
	"POST /enterprise-accounts/{enterprise}/members":            kigo.PermissionManage,
	"PATCH /enterprise-accounts/{enterprise}/members/{member}":  kigo.PermissionManage,
	"DELETE /enterprise-accounts/{enterprise}/members/{member}": kigo.PermissionManage,
	"GET /enterprise-accounts/{enterprise}/teams":               kigo.PermissionView,
	"POST /enterprise-accounts/{enterprise}/teams":              kigo.PermissionCreate,
	"GET /enterprise-accounts/{enterprise}/usage/daily":         kigo.PermissionBilling,
	"GET /enterprise-accounts/{enterprise}/usage/monthly":       kigo.PermissionBilling,
	"GET /enterprise-accounts/{enterprise}/events":              kigo.PermissionManage,

	"GET /apps/{app}/addons":                    kigo.PermissionView,
	"POST /apps/{app}/addons":                   kigo.PermissionManage,
	"GET /apps/{app}/addons/{addon}":            kigo.PermissionView,
	"GET /apps/{app}/addon-attachments":         kigo.PermissionView,
	"GET /apps/{app}/addon-attachments/{addon}": kigo.PermissionView,
	"GET /apps/{app}/pipeline-couplings":        kigo.PermissionView,
}

// permission is what the route needs of what it is below; empty when that is nothing.
func (rt route) permission() string {
	p := permissions[rt.method+" "+rt.pattern]
	switch {
	case rt.refused() && rt.below() != "":
		return kigo.PermissionView // nothing is done
	case p == "" && rt.below() != "":
		return kigo.PermissionManage
	}
	return p
}

// owners are the addresses that a route may be below, and the parameter that names it.
var owners = map[string]string{"/apps/{app}": "app", "/teams/apps/{app}": "app", "/teams/{team}": "team", "/enterprise-accounts/{enterprise}": "enterprise"}

// below is the parameter that names what the route is about: app, team, enterprise, or nothing.
func (rt route) below() string {
	for prefix, what := range owners {
		if rt.pattern == prefix || strings.HasPrefix(rt.pattern, prefix+"/") {
			return what
		}
	}
	return ""
}

// needs is the permission of this request. A route that names an app elsewhere than
// in its path needs view to read and operate to change.
func (c *call) needs() string {
	switch {
	case c.route.below() == "app":
		return c.route.permission()
	case c.r.Method == http.MethodGet:
		return kigo.PermissionView
	}
	return kigo.PermissionOperate
}
