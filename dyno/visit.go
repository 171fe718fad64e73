package dyno

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/store"
)

// Visitor is a process that somebody wants in a dyno that runs (ps:exec).
type Visitor struct {
	Command string            // as typed: it runs under the dyno's profile
	Program []string          // argv of a program of the platform instead
	Env     map[string]string // besides the dyno's own
	TTY     *kigo.TTY         // nil: plain pipes
}

// Guest is the connection to a visitor's process.
type Guest struct {
	io.ReadWriteCloser
	Visit
	gone func() string
}

// NewGuest joins the parts of a guest; gone is called at its end.
func NewGuest(conn io.ReadWriteCloser, visit Visit, gone func() string) *Guest {
	return &Guest{conn, visit, gone}
}

// Gone says why the dyno took the process along, such as "web.1 has ended"; empty
// when the process ended by itself.
func (g *Guest) Gone() string { return g.gone() }

// Exec starts a visitor's process in a running dyno.
func (a *Agent) Exec(ctx context.Context, id kigo.DynoID, v Visitor) (*Guest, error) {
	host, err := a.host(ctx, id)
	if err != nil {
		return nil, err
	}
	p, err := a.plan(ctx, host)
	if err != nil {
		return nil, err
	}
	p.Dyno.Env = maps.Clone(p.Dyno.Env)
	if p.Dyno.Env == nil {
		p.Dyno.Env = map[string]string{}
	}
	maps.Copy(p.Dyno.Env, v.Env)
	p.Dyno.Command = v.Command
	l, err := p.Launch()
	if err != nil {
		return nil, err
	}
	command := l.Command
	if len(v.Program) > 0 {
		command = v.Program
	}
	run := RunID(host)
	conn, err := a.Engine.Exec(ctx, run, kigo.Exec{Command: command, Env: l.Env, TTY: v.TTY})
	if err != nil {
		return nil, fmt.Errorf("exec in %s: %w", host.Name(), err)
	}
	visit, _ := conn.(Visit)
	if visit == nil {
		visit = silent{}
	}
	return &Guest{conn, visit, func() string { return a.gone(ctx, host.Name(), run, visit.Wait()) }}, nil
}

// silent is a visit of which nothing is known.
type silent struct{}

func (silent) CloseWrite() error { return nil }
func (silent) Wait() int         { return -1 }
func (silent) Resize(kigo.TTY)   {}

// host finds a dyno that can have visitors.
func (a *Agent) host(ctx context.Context, id kigo.DynoID) (d kigo.Dyno, err error) {
	err = a.Store.View(ctx, func(tx *store.Tx) (err error) {
		d, err = tx.Dyno(id)
		return err
	})
	if err == nil && (d.State != kigo.DynoUp || d.Stop || d.Inside != "") {
		err = kigo.Conflict("%s is %s, not up.", d.Name(), d.State)
	}
	return d, err
}

// killed is the least exit status of a process that a signal ended.
const killed = 128

// gone tells whether a dyno ended together with a process in it. The engine may
// hear of the dyno's end a little after that of the process.
func (a *Agent) gone(ctx context.Context, name string, run kigo.DynoID, status int) string {
	if status >= 0 && status < killed {
		return ""
	}
	for deadline := time.Now().Add(2 * time.Second); ; {
		s, err := a.Engine.Status(ctx, run)
		switch {
		case err != nil || s.Ended():
			return name + " has ended"
		case s.State == kigo.RunStopping:
			return name + " is stopping"
		case time.Now().After(deadline):
			return ""
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return ""
		}
	}
}

// Dial connects to host:port as a process of a running dyno would. 0.0.0.0 and
// localhost are the dyno itself; other names are looked up inside it.
func (a *Agent) Dial(ctx context.Context, id kigo.DynoID, host string, port int) (net.Conn, error) {
	d, err := a.host(ctx, id)
	if err != nil {
		return nil, err
	}
	if port < 1 || port > 65535 {
		return nil, kigo.Invalid("There is no port %d.", port)
	}
	if host == "localhost" || host == "0.0.0.0" || host == "" || host == "::" {
		host = "127.0.0.1"
	}
	to, err := netip.ParseAddr(host)
	if err != nil {
		if to, err = a.lookup(ctx, id, host); err != nil {
			return nil, err
		}
	}
	return a.Engine.Dial(ctx, RunID(d), netip.AddrPortFrom(to, uint16(port)))
}

// lookup asks the dyno's own resolver for the IPv4 address of a name.
func (a *Agent) lookup(ctx context.Context, id kigo.DynoID, name string) (netip.Addr, error) {
	g, err := a.Exec(ctx, id, Visitor{Program: []string{"/usr/bin/getent", "ahostsv4", "--", name}})
	if err != nil {
		return netip.Addr{}, err
	}
	defer g.Close()
	_ = g.CloseWrite()
	for lines := bufio.NewScanner(io.LimitReader(g, 64<<10)); lines.Scan(); {
		if words := strings.Fields(lines.Text()); len(words) > 0 {
			if to, err := netip.ParseAddr(words[0]); err == nil {
				return to, nil
			}
		}
	}
	return netip.Addr{}, kigo.Invalid("The dyno knows no address of %s.", strconv.Quote(name))
}
