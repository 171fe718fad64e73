package drain_test

import (
	"bufio"
	"context"
	"encoding/pem"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/logplex"
	"github.com/kigo-dev/kigo/logplex/drain"
	"github.com/kigo-dev/kigo/secret"
	"github.com/kigo-dev/kigo/store"
)

// The test program runs itself again as a control process with hub and drains,
// which the test kills.
const roleVariable = "KIGO_DRAIN_TEST_ROLE"

func TestMain(m *testing.M) {
	if os.Getenv(roleVariable) == "control" {
		if err := controlProcess(os.Args[1], kigo.AppID(os.Args[2])); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// controlProcess serves lines that come over DIR/in from dynos' shims: first it
// says after which number each goes on, then it takes "DYNO NUMBER" lines.
func controlProcess(dir string, app kigo.AppID) error {
	ctx := context.Background()
	box, err := secret.OpenBox(filepath.Join(dir, "key"))
	if err != nil {
		return err
	}
	db, err := store.Open(ctx, "sqlite:"+filepath.Join(dir, "kigo.db"), store.Options{Box: box, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	hub := &logplex.Hub{Dir: filepath.Join(dir, "logs")}
	loop := &drain.Loop{Store: db, Hub: hub, Outbound: loopback, Log: slog.New(slog.DiscardHandler), FirstTry: 5 * time.Millisecond, LastTry: 100 * time.Millisecond, Spill: 1 << 20}
	go func() { _ = loop.Run(ctx) }()
	go func() { _ = hub.Run(ctx) }()
	go func() { // a tail that is far too slow
		_ = hub.Tail(ctx, app, logplex.Filter{Follow: true}, func(uint64, kigo.LogLine) error {
			time.Sleep(100 * time.Millisecond)
			return nil
		})
	}()
	_ = os.Remove(filepath.Join(dir, "in"))
	l, err := net.Listen("unix", filepath.Join(dir, "in"))
	if err != nil {
		return err
	}
	for {
		conn, err := l.Accept()
		if err != nil {
			return err
		}
		go carry(conn, hub, app)
	}
}

// carry does for one dyno what the dyno loop's pump does.
func carry(conn net.Conn, hub *logplex.Hub, app kigo.AppID) {
	defer conn.Close()
	in := bufio.NewReaderSize(conn, 64<<10)
	name, err := in.ReadString('\n')
	if err != nil {
		return
	}
	name = strings.TrimSpace(name)
	fmt.Fprintf(conn, "%d\n", hub.Position(app, name))
	for {
		text, err := in.ReadString('\n')
		if err != nil {
			return
		}
		text = strings.TrimSpace(text)
		seq, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			return
		}
		hub.WriteFrom(app, name, seq, kigo.LogLine{Time: time.Now(), Source: "app", Process: name, Message: text})
	}
}

// shim is a dyno whose lines are kept until they are on disk, as a shim does: it
// goes on after the number that the control process has, as often as that is killed.
func shim(ctx context.Context, path, name string, n int) {
	for ctx.Err() == nil {
		feed(path, name, n)
		time.Sleep(20 * time.Millisecond)
	}
}

// feed writes until all is taken or the connection breaks.
func feed(path, name string, n int) {
	conn, err := net.Dial("unix", path)
	if err != nil {
		return
	}
	defer conn.Close()
	fmt.Fprintln(conn, name)
	answer := bufio.NewReader(conn)
	text, err := answer.ReadString('\n')
	if err != nil {
		return
	}
	after, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil {
		return
	}
	out := bufio.NewWriterSize(conn, 16<<10)
	for i := after + 1; i <= n; i++ {
		if _, err := fmt.Fprintln(out, i); err != nil {
			return
		}
		if i%(n/100) == 0 {
			_ = out.Flush()
			time.Sleep(30 * time.Millisecond) // its own pace: the kills shall fall into the writing
		}
	}
	_ = out.Flush()
	_ = conn.(*net.UnixConn).CloseWrite()
	_, _ = answer.ReadByte() // until all has been taken
}

// TestLinesInAreLinesDeliveredAndLinesReportedDropped kills the control process
// again and again while dynos write, a tail is slow and the drain's receiver
// loses, hangs up and restarts. KIGO_LINES sets how many lines in all.
func TestLinesInAreLinesDeliveredAndLinesReportedDropped(t *testing.T) {
	t.Parallel()
	total, dynos := 300_000, 20
	if s := os.Getenv("KIGO_LINES"); s != "" {
		var err error
		if total, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	}
	each := total / dynos
	r, s := newReceiver(t), newSite(t)
	r.fate = func(n int) int { return []int{204, 204, 503, 204, 0, 204, 204, 429}[n%8] }
	d := s.drainTo("https://" + r.addr)
	dir := s.dir
	roots := filepath.Join(dir, "roots.pem")
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: r.srv.Certificate().Raw})
	if err := os.WriteFile(roots, certificate, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.store.Close(); err != nil {
		t.Fatal(err)
	}
	run := func() *exec.Cmd {
		cmd := exec.Command(os.Args[0], dir, string(s.app))
		cmd.Env = append(os.Environ(), roleVariable+"=control", "SSL_CERT_FILE="+roots)
		cmd.Stderr = os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		return cmd
	}
	cmd := run()
	s.ready(d)
	ctx, cancel := context.WithCancel(t.Context())
	var writers sync.WaitGroup
	defer writers.Wait()
	defer cancel()
	for i := range dynos {
		writers.Go(func() { shim(ctx, filepath.Join(dir, "in"), fmt.Sprintf("web.%d", i+1), each) })
	}
	const kills = 12
	for i := range kills {
		before := r.requests()
		eventually(t, 2*time.Minute, func() error { // sooner or later after it has begun to send
			delivered, dropped := r.total()
			if n := r.requests() - before; n < 1+i%5 && delivered+dropped < each*dynos {
				return fmt.Errorf("%d requests came from process %d", n, i)
			}
			return nil
		})
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if i%4 == 3 {
			r.restart(200 * time.Millisecond)
		}
		cmd = run()
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	r.waitFor(each * dynos)
	r.inOrder()
	delivered, dropped := r.total()
	again := r.repeated()
	t.Logf("%d lines in, %d delivered, %d reported dropped, %d frames came again, %d kills", each*dynos, delivered, dropped, again, kills)
	if delivered == 0 || again == 0 {
		t.Error("the test met no trouble")
	}
}
