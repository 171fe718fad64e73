package telemetry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/internal/lanes"
	"github.com/kigo-dev/kigo/metrics"
	"github.com/kigo-dev/kigo/store"
)

const (
	every    = 20 * time.Second
	lateness = 30 * time.Second // after which a minute's counts have come
	atOnce   = time.Hour        // of points in one message
	retryMax = 10 * time.Minute
)

// Loop sends metrics to all telemetry drains. Set the fields before Run.
type Loop struct {
	Store   *store.Store
	History *metrics.History
	Client  *http.Client // one that reaches only what users may reach
	Log     *slog.Logger
	Now     func() time.Time // nil: time.Now

	once  sync.Once
	lanes *lanes.Lanes // a drain is written to by one at a time

	mu        sync.Mutex
	failing   map[string]failure // by drain
	unwritten sync.Map           // by drain, the time up to which its consumer has all, which the store did not take
}

type failure struct {
	wait time.Duration
	next time.Time
}

func (l *Loop) now() time.Time {
	if l.Now != nil {
		return l.Now()
	}
	return time.Now()
}

// Run sends until ctx ends.
func (l *Loop) Run(ctx context.Context) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	l.once.Do(l.init)
	defer l.lanes.Wait()
	for {
		if err := l.begin(ctx); err != nil && ctx.Err() == nil {
			l.Log.ErrorContext(ctx, "send telemetry", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (l *Loop) init() {
	l.lanes, l.failing = lanes.New(lanes.Places, lanes.Share, nil), map[string]failure{}
}

// Send brings every drain what it has not got, and returns when all were tried.
func (l *Loop) Send(ctx context.Context) error {
	l.once.Do(l.init)
	err := l.begin(ctx)
	l.lanes.Wait()
	return err
}

// begin starts to send to the drains whose turn it is: a consumer that hangs holds
// up nobody else.
func (l *Loop) begin(ctx context.Context) error {
	var all []kigo.TelemetryDrain
	err := l.Store.View(ctx, func(tx *store.Tx) (err error) {
		all, err = tx.AllTelemetryDrains()
		return err
	})
	if err != nil {
		return fmt.Errorf("read telemetry drains: %w", err)
	}
	there := make(map[string]bool, len(all))
	for _, d := range all {
		if there[d.ID] = d.Sends(kigo.SignalMetrics); there[d.ID] && l.due(d.ID) {
			l.lanes.Go(d.ID, func() { l.judge(ctx, d, l.one(ctx, d.ID)) })
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for id := range l.failing {
		if !there[id] {
			delete(l.failing, id)
		}
	}
	return nil
}

func (l *Loop) due(drain string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.now().Before(l.failing[drain].next)
}

// judge says when a drain's turn comes again.
func (l *Loop) judge(ctx context.Context, d kigo.TelemetryDrain, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err == nil {
		delete(l.failing, d.ID)
		return
	}
	if ctx.Err() != nil {
		return
	}
	f := l.failing[d.ID]
	if f.wait == 0 {
		l.Log.InfoContext(ctx, "telemetry drain fails", "drain", d.ID, "app", d.App, "err", hide(err))
	}
	f.wait = min(max(2*f.wait, every), retryMax)
	f.next = l.now().Add(f.wait)
	l.failing[d.ID] = f
}

// one sends a drain's whole minutes up to now. It reads the drain itself: what its
// caller knows is from before the drain's turn came, when another may have sent.
func (l *Loop) one(ctx context.Context, drain string) error {
	var d kigo.TelemetryDrain
	var app kigo.App
	err := l.Store.View(ctx, func(tx *store.Tx) (err error) {
		if d, err = tx.TelemetryDrain(drain); err != nil {
			return err
		}
		app, err = tx.App(d.App)
		return err
	})
	if errors.Is(err, kigo.ErrNotFound) || err == nil && !d.Sends(kigo.SignalMetrics) {
		return nil // it was removed or changed meanwhile
	}
	if err != nil {
		return err
	}
	end := l.now().Add(-lateness).Truncate(metrics.Fine)
	from := d.Sent.Truncate(metrics.Fine)
	if taken, ok := l.unwritten.Load(drain); ok && taken.(time.Time).After(from) {
		from = taken.(time.Time) // the consumer has it, but the store did not take that
	}
	if oldest := end.Add(-metrics.FineKept); from.Before(oldest) {
		from = oldest
	}
	for from.Before(end) {
		to := from.Add(atOnce)
		if to.After(end) {
			to = end
		}
		points, err := l.History.Series(ctx, d.App, from, to, metrics.Fine)
		if err != nil {
			return err
		}
		if data := encode(app, points); len(data.ResourceMetrics[0].ScopeMetrics[0].Metrics) > 0 {
			body, err := proto.Marshal(data)
			if err != nil {
				return fmt.Errorf("encode metrics: %w", err)
			}
			if err := l.lanes.Place(ctx, string(app.Owner), func() error { return l.post(ctx, d.Exporter, body) }); err != nil {
				return err
			}
		}
		from = to
		if err := l.record(ctx, drain, from); err != nil {
			if errors.Is(err, kigo.ErrNotFound) {
				return nil // it was removed meanwhile
			}
			return err
		}
	}
	return nil
}

// record writes down up to when a consumer has a drain's minutes, also when this process ends.
func (l *Loop) record(ctx context.Context, drain string, to time.Time) error {
	ctx, cancel := store.Outcome(ctx)
	defer cancel()
	err := l.Store.Update(ctx, func(tx *store.Tx) error { return tx.SetTelemetrySent(drain, to) })
	if err != nil && !errors.Is(err, kigo.ErrNotFound) {
		l.unwritten.Store(drain, to)
		return err
	}
	l.unwritten.Delete(drain)
	return err
}

func (l *Loop) post(ctx context.Context, e kigo.Exporter, body []byte) error {
	r, err := Request(ctx, e, "/v1/metrics", body)
	if err != nil {
		return err
	}
	resp, err := l.Client.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, 64<<10) // the status is the answer
	switch resp.StatusCode {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		l.Log.WarnContext(ctx, "a consumer of telemetry refuses a message for good", "status", resp.StatusCode)
		return nil // the protocol says not to send it again
	}
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("consumer answered %d", resp.StatusCode)
	}
	return nil
}

// Request posts a message of OTLP below an exporter's endpoint.
func Request(ctx context.Context, e kigo.Exporter, path string, body []byte) (*http.Request, error) {
	u, err := url.Parse(e.Endpoint)
	if err != nil {
		return nil, hide(err)
	}
	user := u.User
	u.User = nil
	u.Path = strings.TrimSuffix(u.Path, "/") + path
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, hide(err)
	}
	if user != nil {
		password, _ := user.Password()
		r.SetBasicAuth(user.Username(), password)
	}
	for name, v := range e.Headers {
		r.Header.Set(name, v)
	}
	r.Header.Set("Content-Type", "application/x-protobuf")
	r.Header.Set("User-Agent", "Kigo")
	return r, nil
}

// hide keeps an address, which may hold credentials, out of an error.
func hide(err error) error {
	var at *url.Error
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}
