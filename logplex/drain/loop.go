package drain

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"sync"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/logplex"
	"github.com/kigo-dev/kigo/outbound"
	"github.com/kigo-dev/kigo/store"
)

// resync is how often the drains are read again without a hint.
const resync = 30 * time.Second

// sendTimeout is how long an HTTPS receiver may take for a frame.
const sendTimeout = 30 * time.Second

// Loop runs a sender for every drain there is. Set the fields before Run.
type Loop struct {
	Store    *store.Store
	Hub      *logplex.Hub
	Outbound outbound.Policy
	Roots    *x509.CertPool // trusted receivers; nil: the system's
	Log      *slog.Logger
	FirstTry time.Duration // after a failure; default 200 ms, doubled up to LastTry
	LastTry  time.Duration // default 30 s
	Spill    int64         // bytes of a drain that may wait on disk while its receiver fails; 0: what waits in memory is all

	client  *http.Client
	hint    chan struct{}
	once    sync.Once
	senders map[string]*running // by drain
}

type running struct {
	cancel context.CancelFunc
	done   chan struct{}
	drain  kigo.Drain
	since  time.Time // when what it does was last changed
}

// spillSuffix names the file of lines that wait, beside the drain's own.
const spillSuffix = ".waiting"

// job is one drain that there should be.
type job struct {
	kigo.Drain
	exporter *kigo.Exporter // of a telemetry drain
	app      kigo.App
}

func (l *Loop) init() {
	l.once.Do(func() {
		l.hint = make(chan struct{}, 1)
		l.senders = map[string]*running{}
		if l.FirstTry == 0 {
			l.FirstTry = 200 * time.Millisecond
		}
		if l.LastTry == 0 {
			l.LastTry = 30 * time.Second
		}
		l.client = l.Outbound.Client(l.Roots, sendTimeout)
	})
}

// Mark hints that drains have come or gone.
func (l *Loop) Mark() {
	l.init()
	select {
	case l.hint <- struct{}{}:
	default:
	}
}

// Run works until ctx is done and all senders have ended.
func (l *Loop) Run(ctx context.Context) error {
	l.init()
	defer l.endAll()
	again := time.NewTicker(resync)
	defer again.Stop()
	for {
		if err := l.sync(ctx); err != nil && ctx.Err() == nil {
			l.Log.Error("read log drains", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-again.C:
		case <-l.hint:
		}
	}
}

// sync starts and ends senders so that there is one for each drain.
func (l *Loop) sync(ctx context.Context) error {
	all, err := l.jobs(ctx)
	if err != nil {
		return err
	}
	wanted := make(map[string]bool, len(all))
	for _, d := range all {
		wanted[d.ID] = true
		if r := l.senders[d.ID]; r != nil && !r.since.Equal(d.UpdatedAt) {
			r.cancel()
			<-r.done
			delete(l.senders, d.ID)
		}
		if l.senders[d.ID] == nil {
			l.start(ctx, d)
		}
	}
	for id, r := range l.senders {
		if wanted[id] {
			continue
		}
		r.cancel()
		<-r.done
		delete(l.senders, id)
		if path := l.path(r.drain); path != "" {
			for _, file := range []string{path, path + spillSuffix} {
				if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
					l.Log.Warn("remove place of log drain", "drain", id, "err", err)
				}
			}
		}
	}
	return nil
}

// jobs are all log drains, and the telemetry drains that log lines go to.
func (l *Loop) jobs(ctx context.Context) (all []job, err error) {
	err = l.Store.View(ctx, func(tx *store.Tx) error {
		drains, err := tx.AllDrains()
		if err != nil {
			return err
		}
		for _, d := range drains {
			all = append(all, job{Drain: d})
		}
		others, err := tx.AllTelemetryDrains()
		if err != nil {
			return err
		}
		for _, d := range others {
			if !d.Sends(kigo.SignalLogs) {
				continue
			}
			app, err := tx.App(d.App)
			if err != nil {
				return err
			}
			all = append(all, job{Drain: kigo.Drain{ID: d.ID, App: d.App, URL: d.Exporter.Endpoint, UpdatedAt: d.UpdatedAt}, exporter: &d.Exporter, app: app})
		}
		return nil
	})
	return all, err
}

func (l *Loop) path(d kigo.Drain) string { return l.Hub.File(d.App, "drain-"+d.ID) }

func (l *Loop) start(ctx context.Context, d job) {
	to, err := l.transport(d)
	if err != nil {
		l.Log.Error("log drain has no address", "drain", d.ID, "err", err)
		return
	}
	if folder := l.Hub.Folder(d.App); folder != "" {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			l.Log.Error("make folder of log drain", "drain", d.ID, "err", err)
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	r := &running{cancel: cancel, done: make(chan struct{}), drain: d.Drain, since: d.UpdatedAt}
	l.senders[d.ID] = r
	s := &sender{spill: spillFile{most: l.Spill}, drain: d.Drain, hub: l.Hub, to: to, log: l.Log, pause: [2]time.Duration{l.FirstTry, l.LastTry},
		kept: journal{path: l.path(d.Drain)}, patience: diskPatience}
	if s.kept.path != "" {
		s.spill.path = s.kept.path + spillSuffix
	}
	go func() {
		defer close(r.done)
		s.run(ctx)
	}()
}

func (l *Loop) endAll() {
	for _, r := range l.senders {
		r.cancel()
	}
	for _, r := range l.senders {
		<-r.done
	}
	l.client.CloseIdleConnections()
}

func (l *Loop) transport(d job) (transport, error) {
	if d.exporter != nil {
		return &records{client: l.client, to: *d.exporter, app: d.app}, nil
	}
	u, err := url.Parse(d.URL)
	if err != nil {
		return nil, hide(err)
	}
	w := &wire{dial: l.Outbound.Dial, address: u.Host, token: d.Token}
	switch u.Scheme {
	case "http", "https":
		return newPoster(l.client, u, d.Token), nil
	case "syslog":
		return w, nil
	case "syslog+tls":
		w.tls = &tls.Config{RootCAs: l.Roots, ServerName: u.Hostname(), MinVersion: tls.VersionTLS12}
		return w, nil
	}
	return nil, errors.New("unknown scheme")
}

// hide keeps the URL, which may hold credentials, out of an error.
func hide(err error) error {
	var at *url.Error
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}
