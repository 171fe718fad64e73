package server

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/kigo-dev/kigo/client"
	"github.com/kigo-dev/kigo/config"
	"github.com/kigo-dev/kigo/internal/atomicfile"
)

// supervisor holds the listening sockets and keeps the processes of the platform
// running. It knows nothing of apps, so there is little in it that could fail.
type supervisor struct {
	cfg       config.Config
	log       *slog.Logger
	out       io.Writer
	listeners map[string]*os.File
	addresses map[string]string
	lifeline  *os.File // its read end, given to each child; the write end dies with us
	hold      *os.File
	lock      *os.File // of the data folder

	interrupted atomic.Bool // told to end the dynos too
}

// program is one process of the platform.
type program struct {
	name      string
	listeners []string
	overlap   bool          // a new one serves before the old one is told to end
	grace     time.Duration // for an old one to end
	hurry     time.Duration // the same when somebody waits at a terminal
}

var programs = []program{ // started and renewed in this order, stopped in reverse
	{name: "control", listeners: []string{"api", "rendezvous", "exec"}, grace: 40 * time.Second, hurry: 40 * time.Second},
	{name: "router", listeners: []string{"http", "https", http3Listener}, overlap: true, grace: 70 * time.Second, hurry: 3 * time.Second},
}

// Supervise is `kigo server`: it binds every address, starts the processes of the
// platform, says where everything is, and starts again what dies. It returns when
// told to stop: SIGTERM leaves the dynos running for the next start, SIGINT ends
// them as well. SIGHUP replaces each process in turn, with the program that is on
// disk then; no request is lost by it and no dyno restarted.
func Supervise(cfg config.Config, out io.Writer) error {
	s := &supervisor{
		cfg: cfg, out: out, log: NewLogger(cfg, "supervisor"),
		listeners: map[string]*os.File{}, addresses: map[string]string{},
	}
	before, err := s.inheritSupervisor()
	if err == nil && before == nil {
		err = s.open()
	}
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	renew := make(chan struct{}, 1)
	go func() {
		for sig := range signals {
			if sig == syscall.SIGHUP {
				select {
				case renew <- struct{}{}:
				default: // one is waiting already
				}
				continue
			}
			s.interrupted.Store(sig == syscall.SIGINT)
			cancel()
		}
	}()
	if err := Prepare(ctx, cfg, out); err != nil {
		return err
	}
	return s.run(ctx, renew, before)
}

// open takes the data folder, binds every address and says where they are.
func (s *supervisor) open() (err error) {
	if s.lock, err = lockData(s.cfg); err != nil {
		return err
	}
	if err := s.bind(); err != nil {
		return err
	}
	if err := s.describe(); err != nil {
		return err
	}
	if s.lifeline, s.hold, err = os.Pipe(); err != nil {
		return fmt.Errorf("make lifeline: %w", err)
	}
	return nil
}

// run starts the programs, serves until it is told to stop and stops them in
// reverse. Children from before are renewed at once.
func (s *supervisor) run(ctx context.Context, renew <-chan struct{}, before *handover) error {
	keepers, err := s.startAll(ctx, before)
	switch {
	case err != nil:
	case before != nil:
		s.renewAll(ctx, keepers)
	case ctx.Err() == nil:
		s.welcome()
	}
	for ctx.Err() == nil && err == nil {
		select {
		case <-renew:
			s.log.Error("the supervisor stays the old one", "err", s.succeed(keepers))
			s.renewAll(ctx, keepers)
		case <-ctx.Done():
		}
	}
	if s.interrupted.Load() {
		fmt.Fprintln(s.out, "\nStopping Kigo and its dynos. (SIGTERM instead of Ctrl-C leaves dynos running.)")
	}
	for i := len(keepers) - 1; i >= 0; i-- {
		keepers[i].end()
	}
	return err
}

// startAll starts the programs one after the other, each once the one before
// serves.
func (s *supervisor) startAll(ctx context.Context, before *handover) (keepers []*keeper, err error) {
	for _, p := range programs {
		k := newKeeper(s, p)
		if before != nil && before.Children[p.name] != 0 {
			if k.adopted, err = adopt(before.Children[p.name]); err != nil {
				return keepers, err
			}
		}
		keepers = append(keepers, k)
		go k.run()
		select {
		case <-k.serving:
		case <-k.hopeless:
			return keepers, fmt.Errorf("%s does not start, for the reason in the lines above", p.name)
		case <-ctx.Done():
			return keepers, nil
		}
	}
	return keepers, nil
}

// renewAll replaces every process in turn.
func (s *supervisor) renewAll(ctx context.Context, keepers []*keeper) {
	s.log.Info("replacing the processes of the platform")
	for _, k := range keepers {
		k.replace(ctx)
	}
	s.log.Info("the processes of the platform are new")
}

// bind opens every listening socket; the children inherit them, so that a
// connection waits in the kernel while a process is replaced.
func (s *supervisor) bind() error {
	for _, a := range []struct{ name, addr string }{
		{"api", s.cfg.API}, {"rendezvous", s.cfg.Rendezvous}, {"http", s.cfg.HTTP}, {"https", s.cfg.HTTPS},
	} {
		l, err := net.Listen("tcp", a.addr)
		if err != nil {
			return fmt.Errorf("listen on --%s %s: %w (choose another address with --%s)", a.name, a.addr, err, a.name)
		}
		if err := s.keepListener(a.name, l); err != nil {
			return err
		}
	}
	if err := s.bindHTTP3(); err != nil {
		return err
	}
	l, err := listenExec(s.cfg, s.addresses["http"])
	if err != nil || l == nil {
		return err
	}
	return s.keepListener("exec", l)
}

// keepListener takes over a listener's socket.
func (s *supervisor) keepListener(name string, l net.Listener) error {
	f, err := l.(*net.TCPListener).File()
	if err != nil {
		return fmt.Errorf("hold listener %s: %w", name, err)
	}
	s.addresses[name] = l.Addr().String()
	s.listeners[name] = f
	_ = l.Close() // f holds the socket
	return nil
}

// describe writes DATA/server.json, from which `kigo env` and the tests learn
// where the server is.
func (s *supervisor) describe() error {
	b, err := json.MarshalIndent(map[string]string{
		"api": "http://" + s.addresses["api"], "git": s.addresses["api"],
		"http": "http://" + s.addresses["http"], "https": "https://" + s.addresses["https"],
		"rendezvous": s.addresses["rendezvous"], "domain": s.cfg.Domain, "ca": s.cfg.Path("ca", "bundle.pem"),
	}, "", "  ")
	if err != nil {
		return fmt.Errorf("describe server: %w", err)
	}
	if err := atomicfile.Write(s.cfg.Path("heroku.cjs"), client.HerokuScript, 0o644); err != nil {
		return err
	}
	return atomicfile.Write(s.cfg.Path("server.json"), append(b, '\n'), 0o644)
}

func (s *supervisor) welcome() {
	fmt.Fprintf(s.out, `Kigo is running.
  Platform API and git  %s
  Apps                  http://APP.%s  (and https://APP.%s)
  Data                  %s

In another terminal, in the folder of an app:

  eval "$(%s env --data %s)"
  heroku create myapp && git push heroku main      (or: kigo create myapp)

Ctrl-C stops Kigo and its dynos.
`, "http://"+s.addresses["api"], hostPort(s.cfg.Domain, s.addresses["http"], "80"), hostPort(s.cfg.Domain, s.addresses["https"], "443"), s.cfg.Data, typed(), s.cfg.Data)
}

// typed is what a person types to run this one.
func typed() string {
	if _, err := exec.LookPath("kigo"); err == nil {
		return "kigo"
	}
	if path, err := os.Executable(); err == nil {
		return path
	}
	return "kigo"
}

// hostPort is domain with the port of addr, unless that is the usual one.
func hostPort(domain, addr, usual string) string {
	_, port, err := net.SplitHostPort(addr)
	if err != nil || port == usual {
		return domain
	}
	return net.JoinHostPort(domain, port)
}

// lockData makes the data folder and keeps a second server out of it.
func lockData(cfg config.Config) (*os.File, error) {
	for _, dir := range []string{cfg.Data, cfg.Path("run")} {
		if err := os.MkdirAll(dir, 0o711); err != nil {
			return nil, fmt.Errorf("make data folder: %w", err)
		}
	}
	f, err := os.OpenFile(cfg.Path("server.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open lock: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("another Kigo server uses %s: stop it, or choose another folder with --data", cfg.Data)
	}
	return f, nil
}
