package cli

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/kigo-dev/kigo/client"
)

// environment is which server the command line talks to, and as whom. A variable
// wins over what `kigo login` has kept.
type environment struct {
	credentials
	token    string
	fromEnv  bool // the token is from the environment
	file     string
	keptFile credentials
}

// credentials is the file that `kigo login` writes, mode 0600.
type credentials struct {
	URL   string `json:"url"`
	Git   string `json:"git,omitempty"` // host:port of git; the API's own when empty
	CA    string `json:"ca,omitempty"`  // file of certificates to trust besides the system's
	Email string `json:"email,omitempty"`
	Token string `json:"token,omitempty"`

	Authorization string `json:"authorization,omitempty"` // id of the token's, if `login -i` made it
}

const defaultServer = "http://127.0.0.1:5000"

func loadEnvironment(getenv func(string) string) (environment, error) {
	e := environment{file: credentialsFile(getenv)}
	data, err := os.ReadFile(e.file)
	switch {
	case err == nil:
		if err := json.Unmarshal(data, &e.credentials); err != nil {
			return e, fmt.Errorf("read %s: %w; remove the file and run kigo login", e.file, err)
		}
	case !errors.Is(err, fs.ErrNotExist):
		return e, fmt.Errorf("read credentials: %w", err)
	}
	e.keptFile = e.credentials
	e.token = e.Token
	first := func(names ...string) string {
		for _, n := range names {
			if v := getenv(n); v != "" {
				return v
			}
		}
		return ""
	}
	if v := first("KIGO_HOST", "HEROKU_HOST"); v != "" {
		if e.URL != "" && strings.TrimRight(v, "/") != strings.TrimRight(e.URL, "/") {
			e.credentials, e.token = credentials{}, "" // another server's
		}
		e.URL = v
	}
	if v := first("KIGO_API_KEY", "HEROKU_API_KEY"); v != "" {
		e.token, e.fromEnv = v, true
	}
	if v := first("KIGO_GIT_HOST", "HEROKU_GIT_HOST"); v != "" {
		e.Git = v
	}
	if v := first("KIGO_CA", "NODE_EXTRA_CA_CERTS"); v != "" {
		e.CA = v
	}
	if e.URL == "" {
		e.URL = defaultServer
	}
	if !strings.Contains(e.URL, "://") {
		e.URL = "https://" + e.URL
	}
	u, err := url.Parse(e.URL)
	if err != nil || u.Host == "" {
		return e, usage(2, "HEROKU_HOST=%s is not the address of a server, such as %s", e.URL, defaultServer)
	}
	if e.Git == "" {
		e.Git = u.Host
	}
	return e, nil
}

func credentialsFile(getenv func(string) string) string {
	if dir := getenv("XDG_CONFIG_HOME"); dir != "" {
		return filepath.Join(dir, "kigo", "credentials.json")
	}
	return filepath.Join(getenv("HOME"), ".config", "kigo", "credentials.json")
}

// save keeps credentials for the commands to come.
func (e environment) save(c credentials) error {
	data, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return fmt.Errorf("encode credentials: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(e.file), 0o700); err != nil {
		return fmt.Errorf("make folder for credentials: %w", err)
	}
	tmp := e.file + ".new"
	if err := os.WriteFile(tmp, append(data, '\n'), 0o600); err != nil {
		return fmt.Errorf("write credentials: %w", err)
	}
	if err := os.Rename(tmp, e.file); err != nil {
		return fmt.Errorf("write credentials: %w", err)
	}
	return nil
}

func (e environment) client() (*client.Client, error) {
	config, err := e.tls()
	if err != nil {
		return nil, err
	}
	api := client.New(e.URL, e.token)
	api.UserAgent = "kigo/" + Version
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = config
	api.HTTPClient = &http.Client{Transport: transport}
	return api, nil
}

// tls trusts the system's certificates and those of CA.
func (e environment) tls() (*tls.Config, error) {
	if e.CA == "" {
		return &tls.Config{MinVersion: tls.VersionTLS12}, nil
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	pem, err := os.ReadFile(e.CA)
	if err != nil {
		return nil, fmt.Errorf("read certificates to trust: %w", err)
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("read certificates to trust: %s holds none", e.CA)
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: pool}, nil
}

// gitURL is the remote of an app.
func (e environment) gitURL(app string) string { return "https://" + e.Git + "/" + app + ".git" }
