package server

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"syscall"
	"time"

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
}

// program is one process of the platform.
type program struct {
	name      string
	listeners []string
	stop      syscall.Signal
	grace     time.Duration
}

var programs = []program{ // started in this order, stopped in reverse
	{"control", []string{"api", "rendezvous"}, syscall.SIGTERM, 40 * time.Second},
	{"router", []string{"http", "https"}, syscall.SIGTERM, 40 * time.Second},
}

// Supervise is `kigo server`: it binds every address, starts the processes of the
// platform, says where everything is, and starts again what dies. It returns when
// told to stop: SIGTERM leaves the dynos running for the next start, SIGINT ends
// them as well.
func Supervise(cfg config.Config, out io.Writer) error {
	s := &supervisor{
		cfg: cfg, out: out, log: NewLogger(cfg, "supervisor"),
		listeners: map[string]*os.File{}, addresses: map[string]string{},
	}
	unlock, err := lockData(cfg)
	if err != nil {
		return err
	}
	defer unlock()
	if err := s.bind(); err != nil {
		return err
	}
	if err := s.describe(); err != nil {
		return err
	}
	if s.lifeline, s.hold, err = os.Pipe(); err != nil {
		return fmt.Errorf("make lifeline: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	var interrupted bool
	go func() {
		sig := <-signals
		interrupted = sig == syscall.SIGINT
		cancel()
	}()
	if err := Prepare(ctx, cfg, out); err != nil {
		return err
	}
	return s.run(ctx, func() bool { return interrupted })
}

// run starts the programs one after the other, each once the one before serves.
func (s *supervisor) run(ctx context.Context, interrupted func() bool) error {
	var running sync.WaitGroup
	stops := make([]context.CancelFunc, 0, len(programs))
	dones := make([]chan struct{}, 0, len(programs))
	for _, p := range programs {
		if ctx.Err() != nil {
			break
		}
		pctx, stop := context.WithCancel(context.Background())
		ready, done := make(chan struct{}), make(chan struct{})
		stops, dones = append(stops, stop), append(dones, done)
		running.Go(func() {
			defer close(done)
			s.keep(pctx, p, sync.OnceFunc(func() { close(ready) }), interrupted)
		})
		select {
		case <-ready:
		case <-ctx.Done():
		case <-done:
		}
	}
	if ctx.Err() == nil {
		s.welcome()
	}
	<-ctx.Done()
	if interrupted() {
		fmt.Fprintln(s.out, "\nStopping Kigo and its dynos. (SIGTERM instead of Ctrl-C leaves dynos running.)")
	}
	for i := len(stops) - 1; i >= 0; i-- {
		stops[i]()
		<-dones[i]
	}
	running.Wait()
	return nil
}

// keep runs one program until ctx is done, again whenever it ends by itself.
func (s *supervisor) keep(ctx context.Context, p program, ready func(), interrupted func() bool) {
	wait := 50 * time.Millisecond
	for ctx.Err() == nil {
		began := time.Now()
		err := s.once(ctx, p, ready, interrupted)
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) > 10*time.Second {
			wait = 50 * time.Millisecond
		}
		s.log.Error("a process of the platform ended, starting it again", "process", p.name, "err", err, "wait", wait)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
		wait = min(2*wait, 5*time.Second)
	}
}

// once runs a program to its end.
func (s *supervisor) once(ctx context.Context, p program, ready func(), interrupted func() bool) error {
	exe, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find own program: %w", err)
	}
	spec, err := json.Marshal(childSpec{Config: s.cfg, Listeners: p.listeners, Addresses: s.addresses})
	if err != nil {
		return fmt.Errorf("describe process: %w", err)
	}
	readyRead, readyWrite, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("make ready pipe: %w", err)
	}
	cmd := exec.Command(exe, p.name)
	cmd.Env = append(os.Environ(), childVar+"="+string(spec))
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	cmd.ExtraFiles = []*os.File{s.lifeline, readyWrite}
	for _, name := range p.listeners {
		cmd.ExtraFiles = append(cmd.ExtraFiles, s.listeners[name])
	}
	err = cmd.Start()
	_ = readyWrite.Close()
	if err != nil {
		_ = readyRead.Close()
		return fmt.Errorf("start %s: %w", p.name, err)
	}
	go func() {
		defer func() { _ = readyRead.Close() }()
		if line, _ := bufio.NewReader(readyRead).ReadString('\n'); line == "ready\n" {
			ready()
		}
	}()
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	sig := p.stop
	if p.name == "control" && interrupted() {
		sig = syscall.SIGUSR1
	}
	_ = cmd.Process.Signal(sig)
	select {
	case err := <-ended:
		return err
	case <-time.After(p.grace):
		_ = cmd.Process.Kill()
		return <-ended
	}
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
		f, err := l.(*net.TCPListener).File()
		if err != nil {
			return fmt.Errorf("hold listener %s: %w", a.name, err)
		}
		s.addresses[a.name] = l.Addr().String()
		s.listeners[a.name] = f
		_ = l.Close() // f holds the socket
	}
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
	return atomicfile.Write(s.cfg.Path("server.json"), append(b, '\n'), 0o644)
}

func (s *supervisor) welcome() {
	fmt.Fprintf(s.out, `Kigo is running.
  Platform API and git  %s
  Apps                  http://APP.%s  (and https://APP.%s)
  Data                  %s

In another terminal, in the folder of an app:

  eval "$(kigo env --data %s)"
  heroku create myapp && git push heroku main      (or: kigo create myapp)

Ctrl-C stops Kigo and its dynos.
`, "http://"+s.addresses["api"], hostPort(s.cfg.Domain, s.addresses["http"], "80"), hostPort(s.cfg.Domain, s.addresses["https"], "443"), s.cfg.Data, s.cfg.Data)
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
func lockData(cfg config.Config) (unlock func(), err error) {
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
	return func() { _ = f.Close() }, nil
}
