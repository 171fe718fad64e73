package cli

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/kigo-dev/kigo/client"
)

// connect lets Heroku's own command line and clients work with a server that is
// elsewhere: they see a server on localhost, which they accept, and a key that is
// good for nothing but this bridge. A command that is given runs with the bridge
// and ends it; else it lasts until it is interrupted.
func connect(c *call) error {
	l, err := net.Listen("tcp", c.str("listen"))
	if err != nil {
		return fmt.Errorf("listen at %s: %w; choose another address with --listen", c.str("listen"), err)
	}
	defer l.Close()
	if a, ok := l.Addr().(*net.TCPAddr); !ok || !a.IP.IsLoopback() {
		return usage(2, "--listen %s: the bridge is for this machine alone; say 127.0.0.1:PORT", c.str("listen"))
	}
	key := rand.Text()
	bridge, err := client.NewBridge(c.api, key, log.New(c.err, "", 0))
	if err != nil {
		return fmt.Errorf("read address %s: %w", c.env.URL, err)
	}
	if _, err := c.api.Account(c); err != nil { // better now than at each request
		return err
	}
	server := &http.Server{Handler: bridge, ReadHeaderTimeout: 20 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	defer server.Close()

	variables, err := c.bridgeVariables(l.Addr().String(), key)
	if err != nil {
		return err
	}
	if len(c.args) > 0 {
		return c.withBridge(variables)
	}
	for _, v := range variables {
		c.println("export %s=%s", v[0], quoteShell(v[1]))
	}
	fmt.Fprintf(c.err, "# This shell's variables for %s, while this runs. Press Ctrl-C to end it.\n", c.env.URL)
	select {
	case <-c.Done():
		return nil
	case err := <-ended:
		return fmt.Errorf("serve the bridge: %w", err)
	}
}

// withBridge runs the command that was given and ends as it does.
func (c *call) withBridge(variables [][2]string) error {
	cmd := exec.CommandContext(context.WithoutCancel(c), c.args[0], c.args[1:]...) // Ctrl-C reaches it by the terminal
	cmd.Stdin, cmd.Stdout, cmd.Stderr = c.in, c.out, c.err
	cmd.Env = os.Environ()
	for _, v := range variables {
		cmd.Env = append(cmd.Env, v[0]+"="+v[1])
	}
	err := cmd.Run()
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		return usage(max(1, failed.ExitCode()), "")
	}
	if err != nil {
		return fmt.Errorf("run %s: %w", c.args[0], err)
	}
	return nil
}

// bridgeVariables lead Heroku's clients to the bridge, and git straight to the
// server, with the password asked of this program when it is needed.
func (c *call) bridgeVariables(addr, key string) ([][2]string, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("read address: %w", err)
	}
	url := "http://localhost:" + port
	if strings.HasPrefix(addr, "[") {
		url = "http://" + addr
	}
	r := running{API: url, Git: c.env.Git, CA: c.env.CA}
	all := r.variables(key)
	script := filepath.Join(filepath.Dir(c.env.file), "heroku.cjs")
	if err := keepScript(script); err != nil {
		return nil, err
	}
	all = append(all, [2]string{"NODE_OPTIONS", strings.TrimSpace(os.Getenv("NODE_OPTIONS") + " --require=" + script)})
	// The helper must read what `kigo login` has kept, not what leads to the bridge.
	helper := "!env -u HEROKU_HOST -u HEROKU_API_KEY -u HEROKU_GIT_HOST -u NODE_EXTRA_CA_CERTS " + quoteShell(self) + " git:credentials"
	name := "credential.https://" + c.env.Git + ".helper"
	git := [][2]string{{name, ""}, {name, helper}} // the empty one takes away those that the repository names
	all = append(all, [2]string{"GIT_CONFIG_COUNT", strconv.Itoa(len(git))})
	for i, g := range git {
		n := strconv.Itoa(i)
		all = append(all, [2]string{"GIT_CONFIG_KEY_" + n, g[0]}, [2]string{"GIT_CONFIG_VALUE_" + n, g[1]})
	}
	if c.env.CA == "" { // the machine's own authorities are enough
		all = without(all, "NODE_EXTRA_CA_CERTS", "GIT_SSL_CAINFO")
	}
	return all, nil
}

// keepScript writes what keeps Heroku's command line from Heroku's own hosts.
func keepScript(path string) error {
	if have, err := os.ReadFile(path); err == nil && bytes.Equal(have, client.HerokuScript) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("make folder for heroku.cjs: %w", err)
	}
	if err := os.WriteFile(path, client.HerokuScript, 0o600); err != nil {
		return fmt.Errorf("write heroku.cjs: %w", err)
	}
	return nil
}

func without(all [][2]string, names ...string) (out [][2]string) {
	for _, v := range all {
		keep := true
		for _, n := range names {
			keep = keep && v[0] != n
		}
		if keep {
			out = append(out, v)
		}
	}
	return out
}
