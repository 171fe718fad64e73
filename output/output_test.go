package output

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kigo-dev/kigo"
)

func create(t *testing.T, s *Store, key string) *Writer {
	t.Helper()
	w, err := s.Create(key)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	return w
}

func open(t *testing.T, s *Store, key string) io.ReadCloser {
	t.Helper()
	r, err := s.Open(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func write(t *testing.T, w io.Writer, text string) {
	t.Helper()
	if n, err := io.WriteString(w, text); err != nil || n != len(text) {
		t.Fatalf("Write = %d, %v; want %d", n, err, len(text))
	}
}

// wantNext reads exactly as much as want is long.
func wantNext(t *testing.T, r io.Reader, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(r, got); err != nil || string(got) != want {
		t.Fatalf("read %q, %v; want %q", got, err, want)
	}
}

func TestAReaderFollowsAStreamUntilItsEnd(t *testing.T) {
	s := &Store{Dir: t.TempDir()}
	w := create(t, s, "k")
	r := open(t, s, "k")
	for i := range 50 {
		line := fmt.Sprintf("line %d\n", i)
		write(t, w, line)
		wantNext(t, r, line)
	}
	write(t, w, "last")
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(r)
	if err != nil || string(rest) != "last" {
		t.Errorf("rest %q, %v", rest, err)
	}
	all, err := io.ReadAll(open(t, s, "k"))
	if err != nil || !strings.HasPrefix(string(all), "line 0\n") || !strings.HasSuffix(string(all), "line 49\nlast") {
		t.Errorf("a reader that came late got %d bytes, %v", len(all), err)
	}
}

func TestAWriteWakesAReaderOfItsOwnProcessWithoutPolling(t *testing.T) {
	s := &Store{Dir: t.TempDir()}
	w := create(t, s, "k")
	r := open(t, s, "k")
	const rounds = 20
	got := make(chan struct{})
	go func() {
		defer close(got)
		one := make([]byte, 1)
		for range rounds {
			if _, err := r.Read(one); err != nil {
				return
			}
			got <- struct{}{}
		}
	}()
	fastest := time.Hour
	for range rounds {
		began := time.Now()
		write(t, w, "x")
		<-got
		fastest = min(fastest, time.Since(began))
	}
	if fastest > pollEvery/2 {
		t.Errorf("the fastest of %d wake-ups took %v: they were polls", rounds, fastest)
	}
}

func TestAnotherProcessesStreamIsFollowedByPolling(t *testing.T) {
	dir := t.TempDir()
	w := create(t, &Store{Dir: dir}, "k")
	r := open(t, &Store{Dir: dir}, "k")
	write(t, w, "a")
	wantNext(t, r, "a")
	go func() {
		io.WriteString(w, "b")
		w.Close()
	}()
	if rest, err := io.ReadAll(r); err != nil || string(rest) != "b" {
		t.Errorf("rest %q, %v", rest, err)
	}
}

func TestFinishEndsAnOrphan(t *testing.T) {
	dir := t.TempDir()
	w := create(t, &Store{Dir: dir}, "k")
	write(t, w, "half")
	w.f.Close() // the process died

	s := &Store{Dir: dir}
	r := open(t, s, "k")
	wantNext(t, r, "half")
	for range 2 {
		if err := s.Finish("k"); err != nil {
			t.Fatal(err)
		}
	}
	if rest, err := io.ReadAll(r); err != nil || len(rest) != 0 {
		t.Errorf("rest %q, %v", rest, err)
	}
	if err := s.Finish("never-begun"); err != nil {
		t.Errorf("Finish of no stream: %v", err)
	}
}

func TestAReaderStopsWaitingWhenItsContextEndsOrItIsClosed(t *testing.T) {
	s := &Store{Dir: t.TempDir()}
	create(t, s, "k")
	ctx, cancel := context.WithCancel(t.Context())
	r, err := s.Open(ctx, "k")
	if err != nil {
		t.Fatal(err)
	}
	go cancel()
	if _, err := io.ReadAll(r); !errors.Is(err, context.Canceled) {
		t.Errorf("after cancel: %v", err)
	}
	r.Close()
	r = open(t, s, "k")
	go r.Close()
	if _, err := io.ReadAll(r); err == nil {
		t.Error("a closed reader ended as if the stream had")
	}
	r.Close()
	if len(s.wakes) != 0 {
		t.Errorf("listeners left: %v", s.wakes)
	}
}

func TestWhatIsOverTheLimitIsDroppedAndTheLastLineSaysSo(t *testing.T) {
	s := &Store{Dir: t.TempDir(), Max: 10}
	w := create(t, s, "k")
	for range 5 {
		write(t, w, "123456\n")
	}
	w.Close()
	got, err := io.ReadAll(open(t, s, "k"))
	want := "123456\n123" + fmt.Sprintf(Truncated, 0)
	if err != nil || string(got) != want {
		t.Errorf("kept %q, %v; want %q", got, err, want)
	}
}

func TestWritersFromSeveralGoroutinesKeepTheirLinesWhole(t *testing.T) {
	s := &Store{Dir: t.TempDir()}
	w := create(t, s, "k")
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for range 100 {
				w.Write(bytes.Repeat([]byte{byte('a' + i)}, 9))
				w.Write([]byte("\n"))
			}
		})
	}
	all.Wait()
	w.Close()
	got, _ := io.ReadAll(open(t, s, "k"))
	if len(got) != 8*100*10 {
		t.Errorf("%d bytes; want %d", len(got), 8*100*10)
	}
	if _, err := w.Write([]byte("late")); !errors.Is(err, os.ErrClosed) {
		t.Errorf("Write after Close: %v", err)
	}
}

func TestKeysThatAreNoneAreNotFound(t *testing.T) {
	s := &Store{Dir: filepath.Join(t.TempDir(), "out")}
	for _, key := range []string{"", "..", "a/b", "../k", ".x", "a\x00"} {
		if _, err := s.Create(key); !errors.Is(err, kigo.ErrNotFound) {
			t.Errorf("Create(%q): %v", key, err)
		}
		if _, err := s.Open(t.Context(), key); !errors.Is(err, kigo.ErrNotFound) {
			t.Errorf("Open(%q): %v", key, err)
		}
		if s.Exists(key) {
			t.Errorf("Exists(%q)", key)
		}
	}
	if _, err := s.Open(t.Context(), "none"); !errors.Is(err, kigo.ErrNotFound) {
		t.Errorf("Open of no stream: %v", err)
	}
	create(t, s, "k")
	if _, err := s.Create("k"); !errors.Is(err, os.ErrExist) {
		t.Errorf("a second Create: %v", err)
	}
	if !s.Exists("k") {
		t.Error("Exists is false for a stream that was begun")
	}
}

func TestADeletedStreamEndsItsReadersWithAnError(t *testing.T) {
	s := &Store{Dir: t.TempDir()}
	create(t, s, "k")
	r := open(t, s, "k")
	if err := s.Delete("k"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(r); !errors.Is(err, kigo.ErrNotFound) {
		t.Errorf("read of a deleted stream: %v", err)
	}
	if err := s.Delete("k"); err != nil {
		t.Errorf("a second Delete: %v", err)
	}
}

func TestAStreamThatGoesOnKeepsItsLimitAndIsOpenAgain(t *testing.T) {
	s := &Store{Dir: t.TempDir(), Max: 10}
	first := create(t, s, "k")
	write(t, first, "12345")
	first.Close()
	again, err := s.Append("k")
	if err != nil {
		t.Fatal(err)
	}
	r := open(t, s, "k")
	wantNext(t, r, "12345")
	write(t, again, "67890")
	wantNext(t, r, "67890")
	write(t, again, "over")
	again.Close()
	rest, err := io.ReadAll(r)
	if want := fmt.Sprintf(Truncated, 0); err != nil || string(rest) != want {
		t.Errorf("rest %q, %v; want %q", rest, err, want)
	}
	third, err := s.Append("k")
	if err != nil {
		t.Fatal(err)
	}
	write(t, third, "dropped")
	third.Close()
	if all, _ := io.ReadAll(open(t, s, "k")); strings.Contains(string(all), "dropped") {
		t.Errorf("kept %q", all)
	}
}
