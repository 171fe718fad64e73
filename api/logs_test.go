package api_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/client"
)

func TestLogsAreReadByACapability(t *testing.T) {
	t.Parallel()
	s, ctx := newServer(t), t.Context()
	a := s.app("myapp")
	s.hub.Write(kigo.AppID(a.ID), kigo.LogLine{Source: "app", Process: "web.1", Message: "hello"}, kigo.LogLine{Source: "app", Process: "worker.1", Message: "other"})
	read := func(n client.NewLogSession) (lines []string) {
		session, err := s.CreateLogSession(ctx, "myapp", n)
		must(t, err)
		_, err = s.FollowLog(ctx, session, "", func(line string) error {
			lines = append(lines, line)
			return nil
		})
		must(t, err)
		return lines
	}
	if lines := read(client.NewLogSession{Dyno: "web"}); len(lines) != 1 || !strings.HasSuffix(lines[0], " app[web.1]: hello") {
		t.Errorf("of web: %q", lines)
	}
	if lines := read(client.NewLogSession{Lines: 1, Source: "app", Dyno: "worker.1"}); len(lines) != 1 || !strings.HasSuffix(lines[0], "other") {
		t.Errorf("the last of worker.1: %q", lines)
	}
}

func TestLogsAreFollowedFromWhereTheyBroke(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	a := s.app("myapp")
	write := func(text string) {
		s.hub.Write(kigo.AppID(a.ID), kigo.LogLine{Source: "app", Process: "web.1", Message: text})
	}
	write("one")
	session, err := s.CreateLogSession(ctx, "myapp", client.NewLogSession{Tail: true, Dyno: "web"})
	must(t, err)
	enough := errors.New("enough")
	last, err := s.FollowLog(ctx, session, "", func(line string) error {
		if strings.HasSuffix(line, "one") {
			write("two")
			return nil
		}
		return enough
	})
	if !errors.Is(err, enough) {
		t.Fatal(err)
	}
	write("three")
	var got []string
	_, err = s.FollowLog(ctx, session, last, func(line string) error {
		got = append(got, line[strings.LastIndex(line, " ")+1:])
		if len(got) == 2 {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) || strings.Join(got, " ") != "two three" {
		t.Errorf("resumed with %q, %v", got, err)
	}
}

func TestOutputFollowsUntilItsEnd(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	s.app("myapp")
	b, err := s.CreateBuild(ctx, "myapp", client.NewBuild{SourceBlob: client.NewSourceBlob{URL: "https://example.com/a.tgz"}})
	must(t, err)
	err = s.StreamOutput(ctx, &strings.Builder{}, b.OutputStreamURL)
	wantError(t, err, 404, "not_found", "")
	w, err := s.output.Create(buildOf(t, s, b.ID).Output)
	must(t, err)
	_, err = w.Write([]byte("first\n"))
	must(t, err)
	seen := make(chan string, 8)
	done := make(chan error, 1)
	go func() { done <- s.StreamOutput(ctx, chanWriter(seen), b.OutputStreamURL) }()
	if got := <-seen; got != "first\n" {
		t.Errorf("while it grows: %q", got)
	}
	_, err = w.Write([]byte("second\n"))
	must(t, err)
	if got := <-seen; got != "second\n" {
		t.Errorf("while it grows: %q", got)
	}
	must(t, w.Close())
	must(t, <-done)
}

type chanWriter chan string

func (c chanWriter) Write(p []byte) (int, error) {
	c <- string(p)
	return len(p), nil
}
