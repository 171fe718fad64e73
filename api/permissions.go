package api

import (
	"net/http"
	"strings"

	"github.com/kigo-dev/kigo"
)

// permissions says what somebody must be allowed to do with an app for a route
// below /apps/{app}. A route without a line here is for who manages the app, so that
// none is open by accident, and a test asks for the line.
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

	"GET /apps/{app}/domains":                     kigo.PermissionView,
	"POST /apps/{app}/domains":                    kigo.PermissionOperate,
	"GET /apps/{app}/domains/{domain}":            kigo.PermissionView,
	"PATCH /apps/{app}/domains/{domain}":          kigo.PermissionOperate,
	"DELETE /apps/{app}/domains/{domain}":         kigo.PermissionOperate,
	"GET /apps/{app}/sni-endpoints":               kigo.PermissionView,
	"POST /apps/{app}/sni-endpoints":              kigo.PermissionOperate,
	"GET /apps/{app}/sni-endpoints/{endpoint}":    kigo.PermissionView,
	"PATCH /apps/{app}/sni-endpoints/{endpoint}":  kigo.PermissionOperate,
	"DELETE /apps/{app}/sni-endpoints/{endpoint}": kigo.PermissionOperate,

	"POST /apps/{app}/log-sessions":         kigo.PermissionDeploy,
	"GET /apps/{app}/log-inputs":            kigo.PermissionView,
	"POST /apps/{app}/log-inputs":           kigo.PermissionOperate,
	"DELETE /apps/{app}/log-inputs/{input}": kigo.PermissionOperate,
	"GET /apps/{app}/log-retention":         kigo.PermissionView,
	"PATCH /apps/{app}/log-retention":       kigo.PermissionOperate,
	"GET /apps/{app}/log-drains":            kigo.PermissionOperate, // drains' addresses may hold credentials
	"POST /apps/{app}/log-drains":           kigo.PermissionOperate,
	"GET /apps/{app}/log-drains/{drain}":    kigo.PermissionOperate,
	"DELETE /apps/{app}/log-drains/{drain}": kigo.PermissionOperate,
	"GET /apps/{app}/telemetry-drains":      kigo.PermissionOperate,

	"GET /apps/{app}/addons":                    kigo.PermissionView,
	"POST /apps/{app}/addons":                   kigo.PermissionManage,
	"GET /apps/{app}/addons/{addon}":            kigo.PermissionView,
	"GET /apps/{app}/addon-attachments":         kigo.PermissionView,
	"GET /apps/{app}/addon-attachments/{addon}": kigo.PermissionView,
	"GET /apps/{app}/pipeline-couplings":        kigo.PermissionView,
	"GET /apps/{app}/webhook-deliveries":        kigo.PermissionView,
	"GET /apps/{app}/webhook-events":            kigo.PermissionView,
	"GET /apps/{app}/webhooks":                  kigo.PermissionView,
}

// permission is what the route needs of its app; empty when it is not below one.
func (rt route) permission() string {
	p := permissions[rt.method+" "+rt.pattern]
	switch {
	case rt.refused() && rt.ofApp():
		return kigo.PermissionView // nothing is done
	case p == "" && rt.ofApp():
		return kigo.PermissionManage
	}
	return p
}

// ofApp reports whether the route is below one app.
func (rt route) ofApp() bool {
	return rt.pattern == appPattern || strings.HasPrefix(rt.pattern, appPattern+"/")
}

const appPattern = "/apps/{app}"

// needs is the permission of this request. A route that names an app elsewhere than
// in its path needs view to read and operate to change.
func (c *call) needs() string {
	switch {
	case c.route.ofApp():
		return c.route.permission()
	case c.r.Method == http.MethodGet:
		return kigo.PermissionView
	}
	return kigo.PermissionOperate
}
