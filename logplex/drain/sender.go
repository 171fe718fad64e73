package drain

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/logplex"
)

// maxTries is how often a frame is sent that the receiver calls bad.
const maxTries = 3

// How a disk that refuses is met.
const (
	blockedFor   = time.Second // how long it is left alone with lines
	saveAgain    = 100 * time.Millisecond
	diskPatience = 3 * time.Second // how long a frame waits for the state to be saved
)

// transport sends a frame and returns nil when it was taken.
type transport interface {
	frame(lines []kigo.LogLine, lost loss, spare []byte) *frame // what is sent of lines
	done() bool                                                 // nobody reads the last frame any more
	send(ctx context.Context, f *frame) error
	close()
}

// sender carries one drain.
type sender struct {
	drain kigo.Drain
	hub   *logplex.Hub
	to    transport
	log   *slog.Logger
	pause [2]time.Duration // between tries: the first and the longest
	kept  journal          // where the state is kept
	// patience is how long frames wait for a disk that refuses the state. Then they go
	// out all the same: lines that arrive matter more than that a kill in just this time
	// might have them arrive in two frames.
	patience time.Duration

	spill spillFile // lines that wait while the receiver fails or is slow

	state   state
	blocked time.Time // until when the disk is not asked to take lines again
	cursor  *logplex.Cursor
	lines   []kigo.LogLine
	spare   []byte    // of a frame that was taken
	failing time.Time // since when the receiver takes nothing; zero: it does
	wait    time.Duration
	tries   int
	bad     bool      // a certificate was complained of since the last success
	unsaved bool      // the state on disk is older
	refused time.Time // since when the disk refuses the state; zero: it does not
	unspilt bool      // the disk refuses lines that wait
}

// run sends until ctx ends or the app is gone.
func (s *sender) run(ctx context.Context) {
	defer s.kept.close()
	defer s.spill.close()
	s.begin()
	if s.cursor = s.hub.Cursor(s.drain.App, s.state.Next); s.cursor == nil {
		return
	}
	defer s.cursor.Close()
	defer s.to.close()
	s.cursor.Hold(true)
	defer s.rest()
	for ctx.Err() == nil && !s.gone() {
		if s.state.Frame == nil && !s.fill() {
			s.idle(ctx)
			continue
		}
		if s.unsaved && !s.settle(ctx) {
			continue
		}
		if !s.unsaved && s.spill.free(&s.state) {
			s.unsaved = true
		}
		err := s.send(ctx)
		switch {
		case err == nil:
			s.taken()
		case ctx.Err() != nil: // the next process sends it again
		default:
			s.failed(err)
			s.pauseFor(ctx, s.wait)
		}
	}
}

// idle waits for lines, with all that has been done on disk.
func (s *sender) idle(ctx context.Context) {
	var again <-chan time.Time
	if s.unsaved && !s.save() {
		pause := time.NewTimer(saveAgain)
		defer pause.Stop()
		again = pause.C
	}
	select {
	case <-ctx.Done():
	case <-s.cursor.Ended():
	case <-s.cursor.Wake():
	case <-again:
	}
}

// begin finds where an earlier process stood.
func (s *sender) begin() {
	var known bool
	if s.state, known = s.kept.load(); !known {
		end := s.hub.End(s.drain.App)
		s.state = state{Next: end, Reached: end}
	}
	missing, err := s.spill.open(&s.state)
	if err != nil {
		s.log.Error("log drain cannot keep lines on disk", "drain", s.drain.ID, "err", err)
	}
	if missing > 0 {
		s.log.Error("lines that waited for a log drain are lost", "drain", s.drain.ID, "lines", missing)
		s.lose(missing, time.Time{})
		s.state.Reached = s.state.Next
	}
	if s.unsaved = true; !known {
		s.save()
	}
}

// rest brings to disk what the next process shall know: lines that wait, and that
// the last frame was taken.
func (s *sender) rest() {
	if s.gone() {
		return
	}
	s.overflow(1)
	if s.unsaved {
		s.save()
	}
}

// gone reports whether the app is.
func (s *sender) gone() bool {
	select {
	case <-s.cursor.Ended():
		return true
	default:
		return false
	}
}

// settle brings the state to disk: only then its frame leaves, and is the same frame
// after a kill. False when the disk refuses it for now.
func (s *sender) settle(ctx context.Context) bool {
	if s.save() || time.Since(s.refused) > s.patience {
		return true
	}
	s.pauseFor(ctx, saveAgain)
	return false
}

func (s *sender) pauseFor(ctx context.Context, d time.Duration) {
	pause := time.NewTimer(d)
	defer pause.Stop()
	await(ctx, s, pause.C)
}

// send sends the frame, and meanwhile takes lines to disk that come too fast.
func (s *sender) send(ctx context.Context) error {
	if s.spill.file == nil {
		return s.to.send(ctx, s.state.Frame)
	}
	sent := make(chan error, 1)
	frame := s.state.Frame
	go func() { sent <- s.to.send(ctx, frame) }()
	if err, told := await(ctx, s, sent); told {
		return err
	}
	return <-sent // it ends with ctx, or goes on although the app is gone
}

// await waits for done, ctx or the app's end, and takes lines to disk meanwhile.
func await[T any](ctx context.Context, s *sender, done <-chan T) (v T, told bool) {
	for {
		select {
		case v := <-done:
			return v, true
		case <-ctx.Done():
			return v, false
		case <-s.cursor.Ended():
			return v, false
		case <-s.wake():
			s.overflow(spillLines)
		}
	}
}

// wake rings when lines could be taken to disk.
func (s *sender) wake() <-chan struct{} {
	if s.spill.file == nil {
		return nil
	}
	return s.cursor.Wake()
}

// overflow takes lines to disk when so many wait.
func (s *sender) overflow(least int) {
	for s.cursor.Waiting() >= least && s.spill.room(&s.state, frameBytes) && !time.Now().Before(s.blocked) {
		if s.unsaved && !s.save() {
			s.blocked = time.Now().Add(blockedFor)
			return
		}
		next, lost := s.state.Next, s.state.Lost
		made := s.make(0)
		if made == nil {
			return
		}
		err := s.spill.add(&s.state, made)
		if err != nil {
			s.cursor.Rewind(next) // they go on waiting in memory
			s.state.Next, s.state.Lost = next, lost
			s.blocked = time.Now().Add(blockedFor)
		}
		s.complain(err, &s.unspilt, "lines of log drain cannot be taken to disk")
	}
}

// fill finds or makes the next frame; false when there is nothing to send.
func (s *sender) fill() bool {
	next, err := s.spill.next(&s.state)
	if err != nil { // what stands there cannot be read
		s.log.Error("lines that waited for a log drain are lost", "drain", s.drain.ID, "lines", s.state.Next-s.state.Reached, "err", err)
		s.lose(int(s.state.Next-s.state.Reached), time.Time{})
		s.state.Read, s.state.Reached = s.spill.end, s.state.Next
	}
	if next == nil {
		limit := 0
		if !s.failing.IsZero() && !s.spill.room(&s.state, frameBytes) {
			limit = buffer
		}
		if next = s.make(limit); next == nil {
			return false
		}
		s.state.Reached = s.state.Next
	}
	s.state.Frame, s.tries, s.unsaved = next, 0, true
	return true
}

// make makes a frame of lines of the stream; nil when there are none.
func (s *sender) make(limit int) *frame {
	lines, missed := s.cursor.Next(s.lines[:0], frameLines, frameBytes, limit)
	s.lines = lines
	if missed.N > 0 {
		s.lose(missed.N, missed.Since)
	}
	if len(lines) == 0 && s.state.Lost.N == 0 {
		return nil
	}
	made := s.to.frame(lines, s.state.Lost, s.spare)
	s.spare = nil
	clear(s.lines)
	s.state.Next, s.state.Lost = s.cursor.Pos(), loss{}
	return made
}

func (s *sender) lose(n int, since time.Time) {
	if s.state.Lost.N == 0 {
		switch {
		case !s.failing.IsZero():
			since = s.failing
		case since.IsZero():
			since = time.Now()
		}
		s.state.Lost.Since = since
	}
	s.state.Lost.N += n
}

// taken ends a frame. What waited while the receiver failed is cut to the buffer
// by the next fill, after which the stream holds lines for it again.
func (s *sender) taken() {
	if s.to.done() {
		s.spare = s.state.Frame.Body
	}
	s.state.Frame, s.unsaved = nil, true
	if s.failing.IsZero() {
		return
	}
	s.log.Info("log drain delivers again", "drain", s.drain.ID, "app", s.drain.App, "after", time.Since(s.failing).Round(time.Millisecond))
	s.fill()
	s.failing, s.wait, s.bad = time.Time{}, 0, false
	s.cursor.Hold(true)
}

// failed notes an error and how long to wait.
func (s *sender) failed(err error) {
	if s.failing.IsZero() {
		s.failing = time.Now()
		s.cursor.Hold(s.spill.most > 0 && s.spill.file != nil)
		s.log.Info("log drain fails", "drain", s.drain.ID, "app", s.drain.App, "err", hide(err))
	}
	s.wait = min(max(2*s.wait, s.pause[0]), s.pause[1])
	s.tries++
	var refused refusal
	if errors.As(err, &refused) && refused.final() && s.tries >= maxTries {
		s.lose(s.state.Frame.lines(), s.failing)
		s.state.Frame, s.unsaved = nil, true
	}
	if why := badCertificate(err); why != "" && !s.bad {
		s.bad = true
		s.hub.Write(s.drain.App, kigo.LogLine{Source: "heroku", Process: "logplex",
			Message: fmt.Sprintf("Error L14 (certificate validation): error=%q uri=%q", why, s.drain.Masked())})
	}
}

// badCertificate says what is wrong with a receiver's certificate; empty when it
// is not that.
func badCertificate(err error) string {
	var verification *tls.CertificateVerificationError
	if !errors.As(err, &verification) {
		return ""
	}
	var invalid x509.CertificateInvalidError
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "certificate expired"
	case errors.As(err, &unknown):
		return "unknown ca"
	case errors.As(err, &name):
		return "hostname mismatch"
	}
	return "bad certificate"
}

// save brings the state to disk, and reports whether that went well.
func (s *sender) save() bool {
	s.state.End = s.spill.end
	err := s.kept.save(&s.state)
	full := !s.refused.IsZero()
	s.complain(err, &full, "place of log drain cannot be saved")
	switch {
	case err == nil:
		s.refused = time.Time{}
	case s.refused.IsZero():
		s.refused = time.Now()
	}
	s.unsaved = err != nil
	return err == nil
}

// complain tells the operator once that the disk refuses something, until it no
// longer does.
func (s *sender) complain(err error, told *bool, what string) {
	if err != nil && !*told {
		s.log.Error(what, "drain", s.drain.ID, "err", err)
	}
	*told = err != nil
}
