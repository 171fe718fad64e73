package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/api"
	"github.com/kigo-dev/kigo/config"
	"github.com/kigo-dev/kigo/oci"
	"github.com/kigo-dev/kigo/sshd"
)

// execSocket is where the router passes SSH on that comes in on the port of apps.
func execSocket(c config.Config) string {
	if c.Exec == "off" {
		return ""
	}
	return c.Path("run", "exec.sock")
}

// httpPort80 is the port that the official command line opens ps:exec on, always.
const httpPort80 = "80"

// listenExec binds the address of ps:exec. Nil: it comes in with the requests to apps,
// or the server has none.
func listenExec(c config.Config, http string) (net.Listener, error) {
	switch host, port, _ := net.SplitHostPort(http); {
	case c.Exec == "off":
		return nil, nil
	case c.Exec != "":
		l, err := net.Listen("tcp", c.Exec)
		if err != nil {
			return nil, fmt.Errorf("listen on --exec %s: %w (choose another address with --exec, or say --exec off)", c.Exec, err)
		}
		return l, nil
	case port == httpPort80 || !net.ParseIP(host).IsLoopback():
		return nil, nil
	}
	for i := 1; i < 255; i++ { // a server of this machine alone: any loopback address will do
		if l, err := net.Listen("tcp", fmt.Sprintf("127.0.80.%d:80", i)); err == nil {
			return l, nil
		}
	}
	return nil, nil
}

// bound are those of names that this server listens on.
func (s *supervisor) bound(names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return s.listeners[name] == nil })
}

// makeExec makes the SSH server of ps:exec.
func (n *node) makeExec() {
	n.exec = &sshd.Server{
		Key: n.box.Derive("exec grants"), Seed: n.box.Derive("ssh host key"), Dynos: n.agent, Files: []string{oci.FilesProgram}, Log: n.log,
		Check: func(ctx context.Context, g sshd.Grant) error {
			return n.control.MayExec(ctx, g.Account, g.Authorization, g.Dyno)
		},
	}
}

// serveExec answers SSH: what the router passes on, and what comes to the address of its own.
func (n *node) serveExec(ctx context.Context) error {
	if n.cfg.Exec == "off" {
		<-ctx.Done()
		return nil
	}
	inner, err := listenUnix(execSocket(n.cfg))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 2)
	listeners := []net.Listener{inner}
	if l := n.child.listeners["exec"]; l != nil {
		listeners = append(listeners, l)
	}
	for _, l := range listeners {
		go func() { ended <- n.exec.Run(ctx, l) }()
	}
	err = <-ended
	cancel()
	for range listeners[1:] {
		err = errors.Join(err, <-ended)
	}
	return err
}

// tunnels tells clients of ps:exec where to go.
type tunnels struct{ node *node }

// Tunnel makes a way into a dyno for the holder of a key.
func (t tunnels) Tunnel(r *http.Request, a kigo.Authorization, dyno kigo.DynoID, key string) (api.Tunnel, error) {
	n := t.node
	host, port, err := n.execAddress(r)
	if err != nil {
		return api.Tunnel{}, err
	}
	user, err := n.exec.User(sshd.Grant{Account: a.Account, Authorization: a.ID, Dyno: dyno}, []byte(key))
	if err != nil {
		return api.Tunnel{}, err
	}
	public, err := n.exec.HostKey()
	return api.Tunnel{TunnelHost: host, TunnelPort: port, ClientUser: user, ProxyPublicKey: public}, err
}

// execAddress is where SSH is answered: on an address of its own, or with the apps, at
// the name by which the client knows this machine.
func (n *node) execAddress(r *http.Request) (host string, port int, err error) {
	address := n.child.Addresses["exec"]
	if address == "" {
		address = n.child.Addresses["http"]
	}
	if n.cfg.Exec == "off" {
		return "", 0, kigo.Invalid("This server does not serve ps:exec: its operator has turned it off (--exec off).")
	}
	tcp, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return "", 0, fmt.Errorf("address of ps:exec: %w", err)
	}
	if !tcp.IP.IsUnspecified() {
		return tcp.IP.String(), tcp.Port, nil
	}
	if host, _, err := net.SplitHostPort(r.Host); err == nil {
		return host, tcp.Port, nil
	}
	return r.Host, tcp.Port, nil
}
