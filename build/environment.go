package build

import (
	"bufio"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Environment is what processes in sandboxes need to know of this machine's
// network: which certificate authorities it trusts and where its registries and
// proxies are. Values that hold a password are never passed on.
type Environment struct {
	Vars   []string // "NAME=value"
	CAFile string   // bundle of the host's certificate authorities; "" without one
}

// passed are the variables that go into sandboxes when they are set for kigo.
var passed = []string{
	"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
	"GOPROXY", "GOSUMDB", "GOPRIVATE", "GONOPROXY", "GONOSUMDB", "GOINSECURE",
	"NPM_CONFIG_REGISTRY", "npm_config_registry", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL",
	"CURL_CONNECT_TIMEOUT", "CURL_TIMEOUT",
}

// caVars name a bundle of certificate authorities for one kind of program each.
var caVars = []string{
	"SSL_CERT_FILE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO", "NODE_EXTRA_CA_CERTS", "npm_config_cafile", "PIP_CERT", "REQUESTS_CA_BUNDLE",
}

// caFiles are where distributions keep their bundle.
var caFiles = []string{"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem"}

// HostEnvironment reads this machine's settings: the environment of this
// process, the go command's settings file and npm's registry.
func HostEnvironment() Environment {
	vars := map[string]string{}
	if dir, err := os.UserConfigDir(); err == nil {
		settings(filepath.Join(dir, "go", "env"), "", vars)
	}
	for _, file := range []string{"/etc/npmrc", filepath.Join(os.Getenv("HOME"), ".npmrc")} {
		npm := map[string]string{}
		settings(file, "npm_config_", npm)
		if v, ok := npm["npm_config_registry"]; ok {
			vars["npm_config_registry"] = v
		}
	}
	var e Environment
	for _, name := range passed {
		v := os.Getenv(name)
		if v == "" {
			v = vars[name]
		}
		if v != "" && !secretive(v) {
			e.Vars = append(e.Vars, name+"="+v)
		}
	}
	for _, file := range append([]string{os.Getenv("SSL_CERT_FILE")}, caFiles...) {
		if st, err := os.Stat(file); err == nil && st.Mode().IsRegular() {
			e.CAFile = file
			break
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

// settings reads a file of NAME=value lines.
func settings(file, prefix string, into map[string]string) {
	f, err := os.Open(file)
	if err != nil {
		return
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		name, value, ok := strings.Cut(s.Text(), "=")
		if ok {
			into[prefix+strings.TrimSpace(name)] = strings.TrimSpace(value)
		}
	}
}

// secretive reports whether a value has a URL with a password or token in it.
func secretive(v string) bool {
	for part := range strings.FieldsFuncSeq(v, func(r rune) bool { return r == ',' || r == '|' || r == ' ' }) {
		if u, err := url.Parse(part); err == nil && u.User != nil {
			return true
		}
	}
	return false
}
