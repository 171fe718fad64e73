package build

import (
	"slices"
	"strings"

	"github.com/kigo-dev/kigo/stack"
)

// Environment is what processes in sandboxes need to know of this machine's
// network: which certificate authorities it trusts and where its registries and
// proxies are. Values that hold a password are never passed on.
type Environment struct {
	Vars   []string // "NAME=value"
	CAFile string   // bundle of the host's certificate authorities; "" without one
}

// caVars name a bundle of certificate authorities for one kind of program each.
var caVars = []string{
	"SSL_CERT_FILE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO", "NODE_EXTRA_CA_CERTS", "npm_config_cafile", "PIP_CERT", "REQUESTS_CA_BUNDLE",
}

// HostEnvironment reads this machine's settings, as stack.HostEnvironment collects
// them. Sandboxes of builds have the bundle elsewhere: see With.
func HostEnvironment() Environment {
	var e Environment
	host, err := stack.HostEnvironment()
	if err != nil {
		return e // a bundle that cannot be read is none
	}
	for _, v := range host.Env {
		if name, value, _ := strings.Cut(v, "="); value != stack.BundlePath && !slices.Contains(caVars, name) {
			e.Vars = append(e.Vars, v)
		}
	}
	for _, b := range host.Binds {
		if b.Target == stack.BundlePath {
			e.CAFile = b.Source
		}
	}
	return e
}

// With is the environment for a sandbox where the bundle lies at caFile.
func (e Environment) With(caFile string) []string {
	vars := slices.Clone(e.Vars)
	if e.CAFile == "" {
		return vars
	}
	for _, name := range caVars {
		vars = append(vars, name+"="+caFile)
	}
	return vars
}
