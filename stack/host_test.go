package stack

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kigo-dev/kigo"
)

func TestBuildsGetTheMachinesSettingsAndNoSecret(t *testing.T) {
	bundle := filepath.Join(t.TempDir(), "bundle.pem")
	if err := os.WriteFile(bundle, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SSL_CERT_FILE", bundle)
	env := map[string]string{
		"SSL_CERT_FILE": bundle, "HTTPS_PROXY": "http://proxy.example:3128", "HTTP_PROXY": "http://me:pass@proxy.example:3128",
		"http_proxy": "me:pass@proxy.example:3128", "GOPROXY": "https://mods.example,direct", "NPM_CONFIG_FETCH_RETRIES": "5",
		"AWS_SECRET_ACCESS_KEY": "s3cret", "PIP_INDEX_URL": "https://tok@pypi.example/simple", "no_proxy": "a\nb",
	}
	golang := map[string]string{"GOPROXY": "https://other.example", "GOFLAGS": "-mod=mod", "GOROOT": "/go", "GONOSUMDB": "x.example"}
	npm := parseNpmrc("; global\nregistry=https://npm.example/\ncafile = \"/x/ca.pem\"\n//npm.example/:_authToken=s3cret\n_auth=s3cret\nstrict-ssl=false\nproxy=${PROXY}\n")
	h, err := collect(func(name string) string { return env[name] }, golang, npm)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"GONOSUMDB=x.example", "GOPROXY=https://mods.example,direct", "HTTPS_PROXY=http://proxy.example:3128",
		"SSL_CERT_FILE=" + BundlePath, "npm_config_cafile=" + BundlePath, "npm_config_fetch_retries=5",
		"npm_config_registry=https://npm.example/", "npm_config_strict_ssl=false",
	}
	if diff := cmp.Diff(want, h.Env); diff != "" {
		t.Errorf("Env (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]kigo.Bind{{Source: bundle, Target: BundlePath}}, h.RunBinds()); diff != "" {
		t.Errorf("binds (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{"SSL_CERT_FILE": BundlePath}, h.RunEnv()); diff != "" {
		t.Errorf("RunEnv (-want +got):\n%s", diff)
	}
}

func TestAMachineWithoutSettingsGivesNone(t *testing.T) {
	h, err := collect(func(string) string { return "" }, nil, nil)
	if err != nil || len(h.Env) != 0 || len(h.RunEnv()) != 0 {
		t.Errorf("%+v, %v", h, err)
	}
}

func FuzzNpmSettingsNeverHoldTokensOrVariables(f *testing.F) {
	f.Add("registry=https://a.example\n//a.example/:_authToken=x\n")
	f.Add("a=${TOKEN}\r\nb='c'\n[s]\n")
	f.Fuzz(func(t *testing.T, text string) {
		h, err := collect(func(string) string { return "" }, nil, parseNpmrc(text))
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range h.Env {
			name, value, _ := strings.Cut(v, "=")
			if strings.Contains(strings.ToLower(name), "auth") || strings.Contains(value, "${") || strings.ContainsAny(v, "\n\x00") {
				t.Errorf("passed on: %q", v)
			}
		}
	})
}
