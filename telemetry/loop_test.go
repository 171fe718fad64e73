package telemetry

import (
	"context"
	"database/sql"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	otlp "go.opentelemetry.io/proto/otlp/metrics/v1"
	"google.golang.org/protobuf/proto"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/control"
	"github.com/kigo-dev/kigo/internal/lanes"
	"github.com/kigo-dev/kigo/metrics"
	"github.com/kigo-dev/kigo/secret"
	"github.com/kigo-dev/kigo/store"
	"github.com/kigo-dev/kigo/store/storetest"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// consumer keeps what it is sent, while it answers 200.
type consumer struct {
	mu     sync.Mutex
	status int
	tries  int
	got    []*otlp.MetricsData
}

func (c *consumer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tries++
	var m otlp.MetricsData
	if r.URL.Path != "/in/v1/metrics" || r.Header.Get("Content-Type") != "application/x-protobuf" || r.Header.Get("X-Key") != "hunter2" || proto.Unmarshal(body, &m) != nil {
		w.WriteHeader(http.StatusTeapot)
		return
	}
	if c.status == http.StatusOK {
		c.got = append(c.got, &m)
	}
	w.WriteHeader(c.status)
}

// heard is how many messages were taken.
func (c *consumer) heard() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.got)
}

// requests are those that the consumer has been told of, by minute.
func (c *consumer) requests() (total int64, minutes map[uint64]int64) {
	minutes = map[uint64]int64{}
	for _, m := range c.got {
		for _, metric := range m.ResourceMetrics[0].ScopeMetrics[0].Metrics {
			if metric.Name != "kigo.requests" {
				continue
			}
			for _, p := range metric.GetSum().DataPoints {
				total += p.GetAsInt()
				minutes[p.StartTimeUnixNano] += p.GetAsInt()
			}
		}
	}
	return total, minutes
}

func TestEveryMinuteIsSentOnceOverFailuresAndRestarts(t *testing.T) {
	ctx, db := t.Context(), storetest.OpenSQLite(t)
	c := control.Control{Store: db, Domain: "localhost"}
	account, err := c.EnsureOperator(ctx, "op@example.com", secret.NewToken())
	must(t, err)
	app, err := c.CreateApp(ctx, control.Actor{ID: account.ID, Email: account.Email}, control.NewApp{Name: "myapp"})
	must(t, err)
	to := &consumer{status: http.StatusOK}
	srv := httptest.NewServer(to)
	defer srv.Close()
	now := time.Now().UTC().Truncate(time.Hour)
	d := kigo.TelemetryDrain{App: app.ID, Signals: []string{"metrics"}, Sent: now,
		Exporter: kigo.Exporter{Type: kigo.ExporterHTTP, Endpoint: srv.URL + "/in/", Headers: map[string]string{"X-Key": "hunter2"}}}
	must(t, db.Update(ctx, func(tx *store.Tx) error { return tx.CreateTelemetryDrain(&d) }))
	h := &metrics.History{Store: db, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return now }}
	for minute := range 180 {
		p := &metrics.Point{Requests: metrics.Requests{Count: 10, Status: [6]int64{2: 9, 5: 1}, Codes: map[string]int64{"H12": 1}}}
		p.Requests.Service.Add(70 * time.Millisecond)
		web := p.Of("web")
		web.Dynos, web.Restarts = 1, 1
		web.Memory.Add(100 << 20)
		must(t, h.Add(ctx, now.Add(30*time.Second), map[kigo.AppID]*metrics.Point{app.ID: p}, nil))
		now = now.Add(time.Minute)
		to.status = http.StatusOK
		if minute > 20 && minute < 120 {
			to.status = http.StatusServiceUnavailable
		}
		l := &Loop{Store: db, History: h, Client: srv.Client(), Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return now }}
		must(t, l.Send(ctx)) // a new process each minute
	}
	now = now.Add(time.Minute)
	must(t, (&Loop{Store: db, History: h, Client: srv.Client(), Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return now }}).Send(ctx))
	total, minutes := to.requests()
	if total != 1800 || len(minutes) != 180 {
		t.Errorf("%d of 1800 requests in %d of 180 minutes", total, len(minutes))
	}
	names := map[string]*otlp.Metric{}
	for _, m := range to.got[len(to.got)-1].ResourceMetrics[0].ScopeMetrics[0].Metrics {
		names[m.Name] = m
	}
	duration := names["http.server.request.duration"].GetHistogram().GetDataPoints()
	if len(duration) == 0 || duration[0].Count != 1 || len(duration[0].BucketCounts) != len(metrics.Bounds)+1 || duration[0].BucketCounts[4] != 1 {
		t.Errorf("durations %v", duration)
	}
	if memory := names["kigo.memory.mean"].GetGauge().GetDataPoints(); len(memory) == 0 || memory[0].GetAsDouble() != 100<<20 || names["kigo.restarts"] == nil {
		t.Errorf("memory %v", memory)
	}
	if attributes := to.got[0].ResourceMetrics[0].Resource.Attributes; attributes[0].Value.GetStringValue() != "myapp" {
		t.Errorf("the resource is %v", attributes)
	}
}

// rig is a platform with one drain, and a clock that the test moves.
type rig struct {
	*Loop
	t    *testing.T
	to   *consumer
	d    kigo.TelemetryDrain
	path string // of the database
	now  time.Time
}

func newRig(t *testing.T) *rig {
	path := storetest.File(t, t.TempDir())
	ctx, db := t.Context(), storetest.Open(t, "sqlite:"+path, store.Options{})
	c := control.Control{Store: db, Domain: "localhost"}
	account, err := c.EnsureOperator(ctx, "op@example.com", secret.NewToken())
	must(t, err)
	app, err := c.CreateApp(ctx, control.Actor{ID: account.ID}, control.NewApp{Name: "myapp"})
	must(t, err)
	r := &rig{t: t, to: &consumer{status: http.StatusOK}, path: path, now: time.Now().UTC().Truncate(time.Hour)}
	srv := httptest.NewServer(r.to)
	t.Cleanup(srv.Close)
	r.d = kigo.TelemetryDrain{App: app.ID, Signals: []string{"metrics"}, Sent: r.now,
		Exporter: kigo.Exporter{Type: kigo.ExporterHTTP, Endpoint: srv.URL + "/in", Headers: map[string]string{"X-Key": "hunter2"}}}
	must(t, db.Update(ctx, func(tx *store.Tx) error { return tx.CreateTelemetryDrain(&r.d) }))
	log, clock := slog.New(slog.DiscardHandler), func() time.Time { return r.now }
	r.Loop = &Loop{Store: db, History: &metrics.History{Store: db, Log: log, Now: clock}, Client: srv.Client(), Log: log, Now: clock}
	r.once.Do(r.init)
	return r
}

// request lets one of the app be counted now.
func (r *rig) request() {
	r.t.Helper()
	p := &metrics.Point{Requests: metrics.Requests{Count: 1, Status: [6]int64{2: 1}}}
	must(r.t, r.History.Add(r.t.Context(), r.now, map[kigo.AppID]*metrics.Point{r.d.App: p}, nil))
}

func TestAConsumerThatFailsIsAskedLessAndLess(t *testing.T) {
	r := newRig(t)
	r.to.status = http.StatusInternalServerError
	r.request()
	for range 180 { // an hour of ticks
		r.now = r.now.Add(every)
		must(t, r.Send(t.Context()))
	}
	if r.to.tries < 5 || r.to.tries > 15 {
		t.Errorf("tried %d times within an hour", r.to.tries)
	}
}

// What the store refuses to write down is not sent again for that.
func TestWhatAConsumerHasIsNotSentAgainWhenTheStoreRefuses(t *testing.T) {
	t.Parallel()
	r, ctx := newRig(t), t.Context()
	r.request()
	r.now = r.now.Add(2 * time.Minute)
	raw, err := sql.Open("sqlite", r.path)
	must(t, err)
	defer raw.Close()
	_, err = raw.ExecContext(ctx, "CREATE TRIGGER broken BEFORE UPDATE ON telemetry_drains BEGIN SELECT RAISE(ABORT, 'no'); END")
	must(t, err)
	if err := r.one(ctx, r.d.ID); err == nil {
		t.Error("a store that refuses is no error")
	}
	must(t, r.one(ctx, r.d.ID)) // there is nothing else to send
	_, err = raw.ExecContext(ctx, "DROP TRIGGER broken")
	must(t, err)
	r.request()
	r.now = r.now.Add(2 * time.Minute)
	must(t, r.one(ctx, r.d.ID))
	if total, _ := r.to.requests(); total != 2 || r.to.heard() != 2 {
		t.Errorf("two requests were told as %d in %d messages", total, r.to.heard())
	}
}

func TestADrainIsReadWhenItsTurnComes(t *testing.T) {
	t.Parallel()
	r, ctx := newRig(t), t.Context()
	// turn is a minute with a request in it, and then twice what a round of the loop begins
	// that read the drain before the round ahead of it had written down what it sent.
	turn := func() {
		t.Helper()
		r.request()
		r.now = r.now.Add(2 * time.Minute)
		must(t, r.one(ctx, r.d.ID))
		must(t, r.one(ctx, r.d.ID))
	}
	turn()
	if total, _ := r.to.requests(); total != 1 {
		t.Errorf("one request was told %d times", total)
	}
	r.d.Signals = []string{"traces"}
	must(t, r.Store.Update(ctx, func(tx *store.Tx) error { return tx.UpdateTelemetryDrain(&r.d) }))
	turn()
	if r.to.heard() != 1 {
		t.Error("a drain that wants no metrics any more was sent some")
	}
	must(t, r.Store.Update(ctx, func(tx *store.Tx) error { return tx.DeleteTelemetryDrain(r.d.ID) }))
	turn()
	if r.to.heard() != 1 {
		t.Error("a drain that was removed was sent metrics")
	}
}

func TestAConsumerThatHangsHoldsUpNobodyElse(t *testing.T) {
	t.Parallel()
	ctx, db := t.Context(), storetest.OpenSQLite(t)
	c := control.Control{Store: db, Domain: "localhost"}
	account, err := c.EnsureOperator(ctx, "op@example.com", secret.NewToken())
	must(t, err)
	hang, came := make(chan struct{}), make(chan struct{}, 1000)
	stuck := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		came <- struct{}{}
		<-hang // it has accepted, and never answers
	}))
	defer stuck.Close()
	defer close(hang)
	to := &consumer{status: http.StatusOK}
	srv := httptest.NewServer(to)
	defer srv.Close()
	start := time.Now().UTC().Truncate(time.Hour)
	var now atomic.Int64 // minutes since
	clock := func() time.Time { return start.Add(time.Duration(now.Load()) * time.Minute) }
	h := &metrics.History{Store: db, Log: slog.New(slog.DiscardHandler), Now: clock}
	const owners = 4 // whose consumers hang; the app of a fifth is the last
	ids := make([]kigo.AppID, owners+1)
	for i := range ids {
		owner, _, err := c.CreateAccount(ctx, control.Actor{ID: account.ID}, control.NewAccount{Email: "owner" + strconv.Itoa(i) + "@example.com"})
		must(t, err)
		app, err := c.CreateApp(ctx, control.Actor{ID: owner.ID}, control.NewApp{Name: "myapp" + strconv.Itoa(i)})
		must(t, err)
		ids[i] = app.ID
		must(t, h.Add(ctx, start, map[kigo.AppID]*metrics.Point{app.ID: {Requests: metrics.Requests{Count: 1, Status: [6]int64{2: 1}}}}, nil))
	}
	must(t, db.Update(ctx, func(tx *store.Tx) error {
		for i := range 2 * lanes.Share * owners { // each has more than an owner's share
			if err := tx.CreateTelemetryDrain(&kigo.TelemetryDrain{App: ids[i%owners], Signals: []string{"metrics"}, Sent: start, Exporter: kigo.Exporter{Type: kigo.ExporterHTTP, Endpoint: stuck.URL}}); err != nil {
				return err
			}
		}
		return tx.CreateTelemetryDrain(&kigo.TelemetryDrain{App: ids[owners], Signals: []string{"metrics"}, Sent: start,
			Exporter: kigo.Exporter{Type: kigo.ExporterHTTP, Endpoint: srv.URL + "/in", Headers: map[string]string{"X-Key": "hunter2"}}})
	}))
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	l := &Loop{Store: db, History: h, Client: &http.Client{}, Log: slog.New(slog.DiscardHandler), Now: clock}
	l.init()
	for minute := range 5 {
		now.Add(2)
		must(t, h.Add(ctx, clock().Add(-time.Minute), map[kigo.AppID]*metrics.Point{ids[owners]: {Requests: metrics.Requests{Count: 1, Status: [6]int64{2: 1}}}}, nil))
		for deadline := time.Now().Add(time.Minute); ; <-time.After(time.Millisecond) {
			must(t, l.begin(ctx)) // as the loop does
			if to.heard() > minute {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("in round %d nothing arrives beside those that hang", minute)
			}
		}
	}
	for range lanes.Share * owners {
		<-came
	}
	select {
	case <-came:
		t.Error("somebody has more than their share of places")
	default:
	}
	cancel()
	l.lanes.Wait()
}
