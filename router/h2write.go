package router

import "errors"

var errStreamGone = errors.New("the HTTP/2 stream has ended")

// say writes whole frames.
func (s *session) say(frames []byte) bool {
	s.write.Lock()
	defer s.write.Unlock()
	return s.put(frames) == nil
}

// put writes while the lock is held. Who does not take what we write is cut.
func (s *session) put(frames []byte) error {
	w := s.c.wire
	s.mu.Lock()
	s.writing = true
	w.sending()
	s.mu.Unlock()
	_, err := w.Write(frames)
	s.mu.Lock()
	s.writing = false
	w.steps.Store(0)
	s.timing()
	s.mu.Unlock()
	if err != nil && w.reason.Load() == 0 {
		w.interrupt(reasonAbort)
	}
	return err
}

// reset ends a stream by an error code.
func (s *session) reset(id uint32, code h2Code) {
	s.mu.Lock()
	st := s.streams[id]
	s.hush(id)
	s.mu.Unlock()
	if st != nil {
		st.abort()
	}
	s.say(appendReset(nil, id, code))
}

const h2Quiet = 128

// hush remembers that we ended a stream: what is on its way is no fault. The
// lock is held.
func (s *session) hush(id uint32) {
	if len(s.quiet) >= h2Quiet {
		for other := range s.quiet { // the lowest ones are long over
			if other+4*h2Quiet < id {
				delete(s.quiet, other)
			}
		}
		for other := range s.quiet { // many at once: half of them go, the lowest
			if len(s.quiet) >= h2Quiet && other+h2Quiet < id {
				delete(s.quiet, other)
			}
		}
		if len(s.quiet) >= 2*h2Quiet {
			clear(s.quiet)
		}
	}
	s.quiet[id] = struct{}{}
}

const h2Credit = 64 << 10 // bytes that are told to the client at once

// used gives the client back the room of n bytes, in time.
func (s *session) used(st *stream, n int) {
	var frames []byte
	s.mu.Lock()
	if s.credit += n; s.credit >= h2Credit {
		frames = appendWindow(frames, 0, s.credit)
		s.unread -= s.credit
		s.credit = 0
	}
	if st != nil && !st.over && !st.reset {
		if st.credit += n; st.credit >= h2Credit {
			frames = appendWindow(frames, st.id, st.credit)
			st.room += st.credit
			st.credit = 0
		}
	}
	s.mu.Unlock()
	if frames != nil {
		s.say(frames)
	}
}

// send writes a head, a part of the body and the end of a stream, each when
// there is one, as the windows let them through.
func (st *stream) send(block, body []byte, end bool) error {
	s := st.session
	for {
		n, err := st.grant(len(body), block != nil, end)
		if err != nil {
			return err
		}
		last := end && n == len(body)
		s.write.Lock()
		frames := s.out[:0]
		if block != nil {
			if s.table {
				s.table = false
				block = append([]byte{hpackTableNone}, block...)
			}
			frames = appendHeaderFrames(frames, st.id, block, last && len(body) == 0)
		}
		for rest := body[:n]; len(rest) > 0; {
			k := min(len(rest), h2FrameMost)
			frames = append(appendFrameHead(frames, h2Data, endFlag(last && k == len(rest)), st.id, k), rest[:k]...)
			rest = rest[k:]
			s.sent.Add(int64(1 + k/h2UpdateLeast))
		}
		if last && len(body) == 0 && block == nil {
			frames = appendFrameHead(frames, h2Data, flagEndStream, st.id, 0)
		}
		err = s.put(frames)
		if s.out = frames; cap(frames) > 2*relaySize {
			s.out = nil
		}
		s.write.Unlock()
		if err != nil {
			return err
		}
		if body, block = body[n:], nil; len(body) == 0 {
			return nil
		}
		st.wire.sending() // a part was taken
	}
}

func endFlag(end bool) byte {
	if end {
		return flagEndStream
	}
	return 0
}

// grant waits until a part of n bytes may be sent; none is needed for a head.
func (st *stream) grant(n int, head, end bool) (int, error) {
	s := st.session
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch room := min(st.window, s.window); {
		case st.reset || s.dead:
			return 0, errStreamGone
		case st.cutWrite:
			return 0, errCut
		case n == 0 || room > 0 || head:
			part := max(0, min(int64(n), room, relaySize*2))
			st.window -= part
			s.window -= part
			st.closed = end && int(part) == n
			return int(part), nil
		}
		st.moved.Wait()
	}
}

// writable waits until the windows let something through.
func (st *stream) writable() error {
	s := st.session
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case st.reset || s.dead:
			return errStreamGone
		case st.cutWrite:
			return errCut
		case min(st.window, s.window) > 0:
			return nil
		}
		st.moved.Wait()
	}
}
