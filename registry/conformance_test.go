package registry_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/kigo-dev/kigo/registry"
)

// newRegistry serves a new registry to whoever gives the password "secret".
func newRegistry(t *testing.T) *httptest.Server {
	t.Helper()
	g := &registry.Registry{Dir: t.TempDir(), Realm: "kigo", Access: func(r *http.Request, name string, _ bool) (string, error) {
		if _, password, _ := r.BasicAuth(); password != "secret" {
			return "", registry.Unauthorized()
		}
		if strings.HasPrefix(name, "other/") {
			return "", registry.Unknown(name)
		}
		return strings.ReplaceAll(name, "/", "_"), nil
	}}
	s := httptest.NewServer(g)
	t.Cleanup(s.Close)
	return s
}

// The suite of the distribution specification, every part that it has.
func TestTheConformanceSuitePasses(t *testing.T) {
	s := newRegistry(t)
	results := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "go", "tool", "conformance")
	cmd.Env = append(os.Environ(), "OCI_REGISTRY="+strings.TrimPrefix(s.URL, "http://"), "OCI_TLS=disabled", "OCI_USERNAME=_", "OCI_PASSWORD=secret",
		"OCI_REPO1=app/web", "OCI_REPO2=app/worker", "OCI_RESULTS_DIR="+results, "OCI_VERSION=1.1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if text := string(out); !strings.Contains(text, "OCI Conformance Result: Pass") || !failures.MatchString(text) {
		t.Errorf("the suite says:\n%s", text)
	}
}

var failures = regexp.MustCompile(`(?s)Pass\.+:\s+[1-9]\d\d\n.*FAIL\.+:\s+0\n\s+Error\.+:\s+0\n`)
