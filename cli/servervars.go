package cli

import (
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// running is DIR/server.json: where a server of this machine can be reached.
type running struct {
	API        string `json:"api"`
	Git        string `json:"git"`
	HTTP       string `json:"http"`
	Rendezvous string `json:"rendezvous"`
	Domain     string `json:"domain"`
	CA         string `json:"ca"`
}

// serverVariables prints what makes git, kigo and the official CLI speak to the
// server of a data folder, and to nobody else: eval "$(kigo env --data DIR)".
func serverVariables(c *call) error {
	dir := c.str("data")
	data, err := os.ReadFile(filepath.Join(dir, "server.json"))
	if err != nil {
		return fmt.Errorf("find the server of %s: %w; start it with: kigo server --data %s", dir, err, dir)
	}
	var r running
	if err := json.Unmarshal(data, &r); err != nil {
		return fmt.Errorf("read %s/server.json: %w", dir, err)
	}
	token, err := os.ReadFile(filepath.Join(dir, "token"))
	if err != nil {
		return fmt.Errorf("read the operator's token: %w", err)
	}
	if script := filepath.Join(dir, "heroku.cjs"); exists(script) {
		c.println("export NODE_OPTIONS=%s", quoteShell("--require="+script))
	}
	for _, v := range r.variables(strings.TrimSpace(string(token))) {
		c.println("export %s=%s", v[0], quoteShell(v[1]))
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// variables lists every address that the official CLI would otherwise look for
// at Heroku, and turns off its telemetry and its updates.
func (r running) variables(token string) [][2]string {
	host := r.API
	if u, err := url.Parse(r.API); err == nil {
		host = u.Host
	}
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	return [][2]string{
		{"HEROKU_HOST", r.API},
		{"HEROKU_API_KEY", token},
		{"HEROKU_GIT_HOST", r.Git},
		{"HEROKU_DATA_HOST", name},
		{"HEROKU_POSTGRESQL_HOST", name},
		{"HEROKU_REDIS_HOST", name},
		{"HEROKU_LOGIN_HOST", r.API},
		{"HEROKU_PARTICLEBOARD_URL", r.API},
		{"HEROKU_BUILDPACK_REGISTRY_URL", r.API},
		{"HEROKU_STATUS_HOST", r.API},
		{"HEROKU_EXEC_URL", "https://" + host + "/"},
		{"HEROKU_CI_WEBSOCKET_URL", "ws://" + host + "/socket"},
		{"HEROKU_ANALYTICS_URL", r.API + "/analytics"},
		{"PGDIAGNOSE_URL", name},
		{"DISABLE_TELEMETRY", "true"},
		{"HEROKU_DISABLE_AUTOUPDATE", "1"},
		{"HEROKU_SKIP_NEW_VERSION_CHECK", "true"},
		{"NODE_EXTRA_CA_CERTS", r.CA},
		{"GIT_SSL_CAINFO", r.CA},
	}
}
