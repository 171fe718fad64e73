package shim

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kigo-dev/kigo/internal/cgroup"
	"github.com/kigo-dev/kigo/internal/testenv"
)

func TestLinesAreCutAtLineEndsAndAtTheirLimit(t *testing.T) {
	long := strings.Repeat("x", maxLine)
	for _, c := range []struct {
		name   string
		chunks []string
		want   []string
	}{
		{"whole lines", []string{"a\nb\n"}, []string{"a", "b"}},
		{"a line in parts", []string{"a", "b", "c\nd"}, []string{"abc", "d"}},
		{"empty lines", []string{"\n", "\n\n"}, []string{"", "", ""}},
		{"exactly the limit", []string{long + "\nb\n"}, []string{long, "b"}},
		{"the limit, then its end in the next chunk", []string{long, "\nb\n"}, []string{long, "b"}},
		{"beyond the limit", []string{long + "y\n"}, []string{long, "y"}},
		{"beyond the limit in parts", []string{long[:maxLine-1], "xy", "\n"}, []string{long, "y"}},
		{"twice the limit", []string{long + long + "\n"}, []string{long, long}},
		{"bytes of all kinds", []string{"\x00\xff\r\n"}, []string{"\x00\xff\r"}},
	} {
		var s splitter
		var got []string
		keep := func(text []byte) { got = append(got, string(text)) }
		for _, chunk := range c.chunks {
			s.feed([]byte(chunk), keep)
		}
		s.end(keep)
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func FuzzNoByteIsLostBetweenLines(f *testing.F) {
	f.Add([]byte("a\nb"), 1)
	f.Add(bytes.Repeat([]byte("x"), maxLine+1), 3)
	f.Fuzz(func(t *testing.T, data []byte, chunk int) {
		chunk = max(1, chunk&0xffff)
		var s splitter
		var got []byte
		keep := func(text []byte) {
			if len(text) > maxLine {
				t.Fatalf("a line of %d bytes", len(text))
			}
			got = append(got, text...)
		}
		for rest := data; len(rest) > 0; {
			n := min(chunk, len(rest))
			s.feed(rest[:n], keep)
			rest = rest[n:]
		}
		s.end(keep)
		if want := bytes.ReplaceAll(data, []byte("\n"), nil); !bytes.Equal(got, want) {
			t.Errorf("%d bytes of %d", len(got), len(want))
		}
	})
}

func TestTheOutputRingKeepsTheLastLinesAndTellsGaps(t *testing.T) {
	dir := t.TempDir()
	w := newLogWriter(dir, func() {})
	const n = 60_000
	var sent int
	for i := range n {
		w.line([]byte(fmt.Sprintf("line %d %s", i+1, strings.Repeat("x", 100))), time.Now())
		if sent++; sent%1000 == 0 { // do not outrun the disk: drops are another test
			for {
				w.mu.Lock()
				waiting := len(w.pending)
				w.mu.Unlock()
				if waiting < bufferBytes/2 {
					break
				}
			}
		}
	}
	w.end()
	files, _ := filepath.Glob(filepath.Join(dir, "log.*"))
	if len(files) != segmentsKept {
		t.Errorf("%d files, want %d", len(files), segmentsKept)
	}
	r := NewLogReader(dir, 10)
	defer r.Close()
	var got []Line
	if err := r.ReadNew(func(l Line) { got = append(got, l) }); err != nil {
		t.Fatal(err)
	}
	first, last := got[0], got[len(got)-1]
	for i, l := range got { // kept, although the reader has gone on
		if want := fmt.Sprintf("line %d ", l.Seq); !strings.HasPrefix(l.Text, want) {
			t.Fatalf("line %d: %q", i, l.Text)
		}
	}
	if last.More || !first.More {
		t.Error("the last line promises more, or the first does not")
	}
	if last.Seq != n || int(first.Seq)-1-10 != first.Dropped || len(got) != n-10-first.Dropped {
		t.Errorf("%d lines from %d (%d dropped) to %d", len(got), first.Seq, first.Dropped, last.Seq)
	}
	if len(got)*128 < (segmentsKept-1)*segmentBytes {
		t.Errorf("only %d lines were kept", len(got))
	}
}

func TestATornFrameIsNotRead(t *testing.T) {
	dir := t.TempDir()
	w := newLogWriter(dir, func() {})
	w.line([]byte("one"), time.Now())
	w.line([]byte("two"), time.Now())
	w.end()
	path := segmentPath(dir, 1)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data[:len(data)-1], 0o600); err != nil {
		t.Fatal(err)
	}
	r := NewLogReader(dir, 0)
	defer r.Close()
	var got []string
	read := func() {
		if err := r.ReadNew(func(l Line) { got = append(got, l.Text) }); err != nil {
			t.Fatal(err)
		}
	}
	read()
	if diff := cmp.Diff([]string{"one"}, got); diff != "" {
		t.Error(diff)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	read()
	if diff := cmp.Diff([]string{"one", "two"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestListeningSocketsAreFoundUnlessOnLoopback(t *testing.T) {
	own, err := os.Open("/proc/self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	testenv.NeedsRoot(t)
	d, err := openDiagnosis(int(own.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	defer d.close()
	for address, want := range map[string]bool{
		"127.0.0.1:0": false, "127.8.8.8:0": false, "[::1]:0": false, "0.0.0.0:0": true, "[::]:0": true,
	} {
		l, err := net.Listen("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		port := l.Addr().(*net.TCPAddr).Port
		if got := d.listening(port); got != want {
			t.Errorf("%s: listening %v, want %v", address, got, want)
		}
		_ = l.Close()
		if d.listening(port) {
			t.Errorf("%s: still listening after its end", address)
		}
	}
}

func BenchmarkListening(b *testing.B) {
	own, err := os.Open("/proc/self/ns/net")
	if err != nil {
		b.Fatal(err)
	}
	defer own.Close()
	d, err := openDiagnosis(int(own.Fd()))
	if err != nil {
		b.Skip(err)
	}
	defer d.close()
	for b.Loop() {
		d.listening(1)
	}
}

func TestOutputBeyondItsRateIsDropped(t *testing.T) {
	var a allowance
	taken := func(at time.Time) (n int) {
		for a.take(1000, at) {
			n += 1000
		}
		return n
	}
	began := time.Now()
	if n := taken(began); n < outputBurst-1000 || n > outputBurst {
		t.Errorf("%d bytes at once, want %d", n, outputBurst)
	}
	if n := taken(began); n != 0 {
		t.Errorf("%d bytes more at the same time", n)
	}
	if n := taken(began.Add(-time.Hour)); n != 0 {
		t.Errorf("%d bytes more when the clock went back", n)
	}
	if n := taken(began.Add(time.Second)); n < outputRate-2000 || n > outputRate+2000 {
		t.Errorf("%d bytes after a second, want %d", n, outputRate)
	}
	if n := taken(began.Add(24 * time.Hour)); n < outputBurst-1000 || n > outputBurst {
		t.Errorf("%d bytes after a day, want %d", n, outputBurst)
	}
}

func TestLimitsOfAnotherSizeAreRefused(t *testing.T) {
	want := Posture{Memory: 512<<20 + 1, Pids: 264, Quota: 200_000, Shares: 1024}
	good := cgroup.Limits{Memory: 512 << 20, Pids: 264, Quota: 200_000, Shares: 1024}
	if err := checkLimits(good, want); err != nil {
		t.Errorf("as asked: %v", err)
	}
	if err := checkLimits(cgroup.Limits{Memory: -1, Pids: -1, Quota: -1, Shares: -1}, Posture{}); err != nil {
		t.Errorf("no limits asked: %v", err)
	}
	for _, change := range []func(*cgroup.Limits){
		func(l *cgroup.Limits) { l.Memory = -1 }, func(l *cgroup.Limits) { l.Memory *= 2 }, func(l *cgroup.Limits) { l.Pids = -1 },
		func(l *cgroup.Limits) { l.Quota = -1 }, func(l *cgroup.Limits) { l.Shares = 2048 },
	} {
		bad := good
		change(&bad)
		if checkLimits(bad, want) == nil {
			t.Errorf("%+v was taken", bad)
		}
	}
}

func BenchmarkPosture(b *testing.B) {
	order := &Order{UIDBase: 1 << 20, Cgroup: "/"}
	for b.Loop() {
		for _, check := range checks(os.Getpid(), order) {
			_ = check()
		}
	}
}

func TestAProcessIsNamedByItsStart(t *testing.T) {
	if ProcessStart(os.Getpid()) == 0 || ProcessStart(1<<30) != 0 || len(BootID()) != 36 {
		t.Errorf("start %d, boot %q", ProcessStart(os.Getpid()), BootID())
	}
}

// BenchmarkReadTheOutputRing is what a line costs on its way out of a shim's files.
func BenchmarkReadTheOutputRing(b *testing.B) {
	dir := b.TempDir()
	w := newLogWriter(dir, func() {})
	for range 5000 {
		w.line([]byte(strings.Repeat("x", 100)), time.Now())
	}
	w.end()
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		r := NewLogReader(dir, 0)
		if err := r.ReadNew(func(Line) { n++ }); err != nil {
			b.Fatal(err)
		}
		_ = r.Close()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/line")
}
