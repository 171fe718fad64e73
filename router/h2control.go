package router

import "encoding/binary"

// Frames that are about the connection, or about a stream as a whole.

func (s *session) takePriority(f *h2Frame) error {
	switch {
	case f.stream == 0:
		return h2Fault(h2Protocol, "PRIORITY on no stream")
	case len(f.payload) != 5:
		return &h2Error{f.stream, h2FrameSize, "a PRIORITY that has not five bytes"}
	case binary.BigEndian.Uint32(f.payload)&h2WindowMost == f.stream:
		return &h2Error{f.stream, h2Protocol, "a stream that depends on itself"}
	}
	return nil
}

func (s *session) takePing(f *h2Frame) error {
	switch {
	case f.stream != 0:
		return h2Fault(h2Protocol, "PING on a stream")
	case len(f.payload) != 8:
		return h2Fault(h2FrameSize, "a PING that has not eight bytes")
	case !f.has(flagAck):
		s.say(append(appendFrameHead(nil, h2Ping, flagAck, 0, 8), f.payload...))
	}
	return nil
}

func (s *session) takeSettings(f *h2Frame) error {
	switch {
	case f.stream != 0:
		return h2Fault(h2Protocol, "SETTINGS on a stream")
	case f.has(flagAck) && len(f.payload) > 0, len(f.payload)%6 != 0:
		return h2Fault(h2FrameSize, "SETTINGS of a wrong length")
	case f.has(flagAck):
		return nil
	}
	s.settled = true
	for p := f.payload; len(p) > 0; p = p[6:] {
		if err := s.set(binary.BigEndian.Uint16(p), binary.BigEndian.Uint32(p[2:])); err != nil {
			return err
		}
	}
	s.say(appendFrameHead(nil, h2Settings, flagAck, 0, 0))
	return nil
}

func (s *session) set(id uint16, v uint32) error {
	switch id {
	case settingTableSize:
		s.write.Lock()
		s.table = true
		s.write.Unlock()
	case settingPush:
		if v > 1 {
			return h2Fault(h2Protocol, "ENABLE_PUSH is neither 0 nor 1")
		}
	case settingConnect:
		if v > 1 {
			return h2Fault(h2Protocol, "ENABLE_CONNECT_PROTOCOL is neither 0 nor 1")
		}
	case settingFrame:
		if v < h2FrameMost || v > 1<<24-1 {
			return h2Fault(h2Protocol, "MAX_FRAME_SIZE out of range")
		}
	case settingWindow:
		if v > h2WindowMost {
			return h2Fault(h2FlowControl, "INITIAL_WINDOW_SIZE out of range")
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		more := int64(v) - s.initial
		s.initial = int64(v)
		for _, st := range s.streams {
			if st.window += more; st.window > h2WindowMost {
				return h2Fault(h2FlowControl, "a stream's window grew too large")
			}
			st.moved.Broadcast()
		}
	}
	return nil
}

func (s *session) takeWindow(f *h2Frame) error {
	if len(f.payload) != 4 {
		return h2Fault(h2FrameSize, "a WINDOW_UPDATE that has not four bytes")
	}
	if s.sent.Add(-1) < 0 { // more than what was sent explains
		s.sent.Add(1)
		if !s.idle.spend(1, h2Idle) {
			return h2Fault(h2EnhanceYourCalm, "too many window updates")
		}
	}
	n := int64(binary.BigEndian.Uint32(f.payload) & h2WindowMost)
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.stream == 0 {
		if n == 0 {
			return h2Fault(h2Protocol, "a WINDOW_UPDATE of nothing")
		}
		if s.window += n; s.window > h2WindowMost {
			return h2Fault(h2FlowControl, "the connection's window grew too large")
		}
		for _, st := range s.streams {
			st.moved.Broadcast()
		}
		return nil
	}
	if f.stream > s.last {
		return h2Fault(h2Protocol, "a WINDOW_UPDATE for a stream that never was")
	}
	if n == 0 {
		return &h2Error{f.stream, h2Protocol, "a WINDOW_UPDATE of nothing"}
	}
	if st := s.streams[f.stream]; st != nil {
		if st.window += n; st.window > h2WindowMost {
			return &h2Error{f.stream, h2FlowControl, "a stream's window grew too large"}
		}
		st.moved.Broadcast()
	}
	return nil
}

func (s *session) takeReset(f *h2Frame) error {
	switch {
	case len(f.payload) != 4:
		return h2Fault(h2FrameSize, "a RST_STREAM that has not four bytes")
	case f.stream == 0, f.stream > s.last:
		return h2Fault(h2Protocol, "a RST_STREAM for a stream that never was")
	}
	if !s.aborted.spend(1, h2Aborted) {
		return h2Fault(h2EnhanceYourCalm, "too many streams were given up")
	}
	s.mu.Lock()
	st := s.streams[f.stream]
	delete(s.streams, f.stream)
	s.mu.Unlock()
	if st != nil {
		st.abort()
	}
	return nil
}
