package server

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"

	"github.com/kigo-dev/kigo/config"
)

// childVar carries a childSpec from the supervisor to a process of the platform.
const childVar = "KIGO_CHILD"

// Descriptors of a child: the lifeline, the ready pipe, then its listeners.
const (
	fdLifeline = 3 + iota
	fdReady
	fdListeners
)

// childSpec is what the supervisor tells a process that it starts.
type childSpec struct {
	Config    config.Config
	Listeners []string          // names, in the order of their descriptors
	Addresses map[string]string // where each listener of the server is, by name
}

// child is what such a process has inherited.
type child struct {
	childSpec
	listeners map[string]net.Listener
	packets   net.PacketConn // of HTTP/3; nil: it is not served
	ready     *os.File
}

// inherit reads what the supervisor handed to this process.
func inherit() (*child, error) {
	raw := os.Getenv(childVar)
	if raw == "" {
		return nil, fmt.Errorf("this command is started by `kigo server`, not by hand")
	}
	if err := os.Unsetenv(childVar); err != nil {
		return nil, fmt.Errorf("clear environment: %w", err)
	}
	_ = os.Unsetenv(databaseVar) // it came with the settings, and is nobody else's business
	c := &child{listeners: map[string]net.Listener{}}
	if err := json.Unmarshal([]byte(raw), &c.childSpec); err != nil {
		return nil, fmt.Errorf("read %s: %w", childVar, err)
	}
	for i, name := range c.Listeners {
		f := os.NewFile(uintptr(fdListeners+i), name)
		if name == http3Listener {
			var err error
			if c.packets, err = net.FilePacketConn(f); err != nil {
				return nil, fmt.Errorf("inherit socket %s: %w", name, err)
			}
			_ = f.Close()
			continue
		}
		l, err := net.FileListener(f)
		_ = f.Close()
		if err != nil {
			return nil, fmt.Errorf("inherit listener %s: %w", name, err)
		}
		c.listeners[name] = l
	}
	syscall.CloseOnExec(fdLifeline)
	syscall.CloseOnExec(fdReady)
	c.ready = os.NewFile(fdReady, "ready")
	return c, nil
}

// announce tells the supervisor that this process serves.
func (c *child) announce() {
	_, _ = c.ready.WriteString("ready\n")
	_ = c.ready.Close()
}

// stopped is why a child ends: Interrupted asks for the dynos to end as well.
type stopped struct{ Interrupted bool }

// lifetime returns a context that ends when the process is told to stop or when
// the supervisor is gone, and a function that says which signal it was.
func lifetime() (context.Context, func() stopped) {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGUSR1)
	signal.Ignore(syscall.SIGINT, syscall.SIGHUP, syscall.SIGPIPE) // a terminal sends SIGINT to all; the supervisor decides
	why := make(chan stopped, 1)
	go func() {
		s := <-signals
		why <- stopped{Interrupted: s == syscall.SIGUSR1}
		cancel()
	}()
	go func() {
		lifeline := os.NewFile(fdLifeline, "lifeline")
		var b [1]byte
		_, _ = lifeline.Read(b[:]) // returns when the supervisor has ended
		cancel()
	}()
	return ctx, func() stopped {
		select {
		case s := <-why:
			return s
		default:
			return stopped{}
		}
	}
}
