package api

import (
	"net/http"
	"slices"
	"strings"

	kigo "github.com/kigo-dev/kigo"
)

// scope is what a route needs of an authorization.
type scope string

// What authorizations allow (Dev Center, "OAuth", scopes). The account's own
// name and address are readable with any of them, because the command line asks
// for them before almost everything.
const (
	open           scope = "" // no token at all: the address is a capability, or the answer is public
	identity       scope = "identity"
	read           scope = "read"
	write          scope = "write"
	readProtected  scope = "read-protected"  // config vars
	writeProtected scope = "write-protected" // config vars
	global         scope = "global"          // the account and its authorizations
)

// grants lists, for each need, the scopes that satisfy it; "global" does always.
var grants = map[scope][]string{
	identity:       {"identity", "read", "write", "read-protected", "write-protected"},
	read:           {"read", "write", "read-protected", "write-protected"},
	write:          {"write", "write-protected"},
	readProtected:  {"read-protected", "write-protected"},
	writeProtected: {"write-protected"},
	global:         nil,
}

func (need scope) check(have []string) error {
	allowed := append([]string{"global"}, grants[need]...)
	for _, s := range have {
		if slices.Contains(allowed, s) {
			return nil
		}
	}
	return newError(kigo.IDForbidden, "The scope of this OAuth authorization does not allow access to this resource. "+
		"This authorization has access to scopes "+strings.Join(have, ", ")+". "+
		"This resource is only accessible to scopes "+strings.Join(allowed, ", ")+".")
}

// Heroku's sentences for a request without valid credentials.
const (
	noCredentials = "There were no credentials in your `Authorization` header. Try `Authorization: Bearer <OAuth access token>` or " +
		"`Authorization: Basic <base64-encoded email + \":\" + password>`."
	badCredentials = "Invalid credentials provided."
)

// credentials returns the token of a request: Bearer, or the password of Basic
// whatever its user is. Tokens are taken from this header alone, never from a URL.
func credentials(r *http.Request) (token string, err error) {
	header := r.Header.Get("Authorization")
	scheme, value, _ := strings.Cut(header, " ")
	switch {
	case header == "":
		return "", newError(kigo.IDUnauthorized, noCredentials)
	case strings.EqualFold(scheme, "Bearer"):
		token = strings.TrimSpace(value)
	case strings.EqualFold(scheme, "Basic"):
		_, token, _ = r.BasicAuth()
	}
	if token == "" {
		return "", newError(kigo.IDUnauthorized, noCredentials)
	}
	return token, nil
}

// acceptable checks that the client asks for version 3, in any variant: Heroku's
// own clients ask for 3.sdk, 3.cedar-acm, 3.webhooks and a dozen more.
func acceptable(accept string) error {
	for part := range strings.SplitSeq(accept, ",") {
		mediaType, params, _ := strings.Cut(part, ";")
		if strings.TrimSpace(strings.ToLower(mediaType)) != "application/vnd.heroku+json" {
			continue
		}
		for p := range strings.SplitSeq(params, ";") {
			name, value, _ := strings.Cut(strings.TrimSpace(p), "=")
			value = strings.Trim(value, `" `)
			if strings.EqualFold(name, "version") && (value == "3" || strings.HasPrefix(value, "3.")) {
				return nil
			}
		}
	}
	return newError(kigo.IDNotAcceptable, "Please specify a version along with Heroku's API MIME type. For example, "+
		"`Accept: application/vnd.heroku+json; version=3`.")
}
