package stack

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/cert"
)

// BundlePath is where a stack keeps the certificates that its programs trust; the
// machine's own bundle is bound over it.
const BundlePath = "/etc/ssl/certs/ca-certificates.crt"

// Host is what sandboxes need to know of this machine's network. Names and
// resolvers are the engine's matter; everything else that an administrator has
// set is collected here by an allow-list, and no secret with it: a value with a
// user or password in its URL is left out.
type Host struct {
	Env   []string    // for builds: certificates, proxies, registries, settings of go and npm
	Binds []kigo.Bind // for builds and dynos: the bundle of certificates

	certificates map[string]string // the part of Env that dynos have too
}

// RunEnv is what run dynos get in their environment: where certificates are, as
// far as the machine says so itself.
func (h Host) RunEnv() map[string]string { return maps.Clone(h.certificates) }

// RunBinds is what run dynos get bound.
func (h Host) RunBinds() []kigo.Bind { return slices.Clone(h.Binds) }

// certificateNames are variables that name a bundle, each for one kind of program.
// What they hold on the host becomes BundlePath in a sandbox.
var certificateNames = []string{
	"SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "npm_config_cafile", "GIT_SSL_CAINFO", "CURL_CA_BUNDLE",
	"REQUESTS_CA_BUNDLE", "PIP_CERT", "AWS_CA_BUNDLE",
}

// plainNames are variables that go into builds as they are.
var plainNames = []string{
	"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
	"PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_DEFAULT_TIMEOUT", "CURL_CONNECT_TIMEOUT", "CURL_TIMEOUT",
	"KIGO_TOOLCHAIN_MIRROR", "BUNDLE_MIRROR__ALL", "MAVEN_MIRROR_URL", "COMPOSER_MIRROR_URL",
}

// goNames are settings of the go command, which keeps them in a file of its own too.
// Its flags and toolchain are none of them: they would change what apps become.
var goNames = []string{
	"GOPROXY", "GOSUMDB", "GONOSUMDB", "GOPRIVATE", "GONOPROXY", "GOINSECURE", "GOVCS",
}

// npmNames are settings of npm that go into builds as npm_config_NAME; tokens are
// none of them.
var npmNames = []string{
	"registry", "replace_registry_host", "omit_lockfile_registry_resolved", "proxy", "https_proxy", "noproxy",
	"strict_ssl", "audit", "fund", "update_notifier", "fetch_retries", "fetch_timeout",
}

// HostEnvironment collects this machine's settings: from the environment of this
// process, the go command and npm's files. A program that is not installed has none.
func HostEnvironment() (Host, error) {
	return collect(os.Getenv, goSettings(), npmSettings())
}

func collect(getenv func(string) string, golang, npm map[string]string) (Host, error) {
	h := Host{certificates: map[string]string{}}
	if bundle := cert.SystemBundle(); bundle != "" {
		absolute, err := filepath.EvalSymlinks(bundle)
		if err != nil {
			return h, fmt.Errorf("find certificates: %w", err)
		}
		h.Binds = append(h.Binds, kigo.Bind{Source: absolute, Target: BundlePath})
		for _, name := range certificateNames {
			if getenv(name) != "" {
				h.certificates[name] = BundlePath
			}
		}
	}
	env := maps.Clone(h.certificates)
	if npm["cafile"] != "" && len(h.Binds) > 0 {
		env["npm_config_cafile"] = BundlePath
	}
	add := func(name, value string) {
		if value != "" && !strings.ContainsAny(value, "\n\x00") && !secret(value) {
			env[name] = value
		}
	}
	for _, name := range plainNames {
		add(name, getenv(name))
	}
	for _, name := range goNames {
		add(name, cmp.Or(getenv(name), golang[name]))
	}
	for _, name := range npmNames {
		add("npm_config_"+name, cmp.Or(getenv("npm_config_"+name), getenv("NPM_CONFIG_"+strings.ToUpper(name)), npm[name]))
	}
	for _, name := range slices.Sorted(maps.Keys(env)) {
		h.Env = append(h.Env, name+"="+env[name])
	}
	return h, nil
}

// secret reports whether a value holds a URL with a user or a password.
func secret(value string) bool {
	for part := range strings.FieldsFuncSeq(value, func(r rune) bool { return r == ',' || r == '|' || r == ' ' }) {
		if u, err := url.Parse(part); err == nil && u.User != nil {
			return true
		}
		// without a scheme a proxy's user is no URL's
		if before, _, found := strings.Cut(part, "@"); found && strings.Contains(before, ":") {
			return true
		}
	}
	return false
}

// goSettings asks the go command for what differs from its defaults, and for where
// it fetches from by default.
func goSettings() map[string]string {
	settings := map[string]string{}
	for _, what := range [][]string{{"GOPROXY", "GOSUMDB"}, {"-changed"}} {
		out, err := ask("go", append([]string{"env", "-json"}, what...)...)
		if err != nil || json.Unmarshal(out, &settings) != nil {
			return nil
		}
	}
	return settings
}

// ask runs a program of the machine that tells its settings.
func ask(program string, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return exec.CommandContext(ctx, program, args...).Output()
}

// npmSettings asks npm for its registry and reads its files, the user's own last.
func npmSettings() map[string]string {
	all := map[string]string{}
	if out, err := ask("npm", "config", "get", "registry"); err == nil {
		all["registry"] = strings.TrimSpace(string(out))
	}
	files := []string{"/etc/npmrc", "/usr/etc/npmrc", "/usr/local/etc/npmrc"}
	if home, err := os.UserHomeDir(); err == nil {
		files = append(files, filepath.Join(home, ".npmrc"))
	}
	for _, path := range files {
		if data, err := os.ReadFile(path); err == nil {
			maps.Copy(all, parseNpmrc(string(data)))
		}
	}
	return all
}

// parseNpmrc reads "name = value" lines, names spelled with underscores. A value
// that takes a variable is left out: it is where tokens come from.
func parseNpmrc(text string) map[string]string {
	all := map[string]string{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		name, value, ok := strings.Cut(line, "=")
		if !ok || strings.HasPrefix(line, ";") || strings.HasPrefix(line, "#") || strings.HasPrefix(line, "[") {
			continue
		}
		name = strings.ReplaceAll(strings.TrimSpace(name), "-", "_")
		value = strings.Trim(strings.TrimSpace(value), `"'`)
		if !strings.Contains(value, "${") {
			all[name] = value
		}
	}
	return all
}
