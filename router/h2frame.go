package router

import (
	"encoding/binary"
	"fmt"
)

// Frames of HTTP/2 (RFC 9113, 4 and 6).
const (
	h2Data = iota
	h2Headers
	h2Priority
	h2Reset
	h2Settings
	h2Push
	h2Ping
	h2GoAway
	h2WindowUpdate
	h2Continuation
)

// Flags.
const (
	flagEndStream  = 0x1
	flagAck        = 0x1
	flagEndHeaders = 0x4
	flagPadded     = 0x8
	flagPriority   = 0x20
)

// Settings.
const (
	settingTableSize  = 1
	settingPush       = 2
	settingStreams    = 3
	settingWindow     = 4
	settingFrame      = 5
	settingHeaderList = 6
	settingConnect    = 8 // RFC 8441
)

const (
	h2FrameHead   = 9
	h2FrameMost   = 16384 // of a frame's payload, ours and the client's
	h2WindowFirst = 65535
	h2WindowMost  = 1<<31 - 1
	h2Preface     = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
)

type h2Code uint32

// Error codes (RFC 9113, 7).
const (
	h2No               h2Code = 0
	h2Protocol         h2Code = 1
	h2Internal         h2Code = 2
	h2FlowControl      h2Code = 3
	h2StreamClosed     h2Code = 5
	h2FrameSize        h2Code = 6
	h2Refused          h2Code = 7
	h2Cancel           h2Code = 8
	h2Compression      h2Code = 9
	h2EnhanceYourCalm  h2Code = 11
	h2InadequateSecure h2Code = 12
)

// h2Error ends a stream, or with stream 0 the connection.
type h2Error struct {
	stream uint32
	code   h2Code
	why    string
}

func (e *h2Error) Error() string {
	return fmt.Sprintf("HTTP/2 stream %d: %s (code %d)", e.stream, e.why, e.code)
}

func h2Fault(code h2Code, why string) error { return &h2Error{0, code, why} }

// h2Frame is one frame's head, with its payload once that is read.
type h2Frame struct {
	kind    byte
	flags   byte
	stream  uint32
	payload []byte
}

func (f *h2Frame) has(flag byte) bool { return f.flags&flag != 0 }

// unpad takes padding off; a priority is passed over.
func (f *h2Frame) unpad() error {
	p, pad := f.payload, 0
	if f.has(flagPadded) {
		if len(p) < 1 {
			return h2Fault(h2FrameSize, "a padded frame without a padding's length")
		}
		pad, p = int(p[0]), p[1:]
	}
	if f.kind == h2Headers && f.has(flagPriority) {
		if len(p) < 5 {
			return h2Fault(h2FrameSize, "a priority of less than five bytes")
		}
		if binary.BigEndian.Uint32(p)&h2WindowMost == f.stream {
			return h2Fault(h2Protocol, "a stream that depends on itself")
		}
		p = p[5:]
	}
	if pad > len(p) {
		return h2Fault(h2Protocol, "more padding than payload")
	}
	f.payload = p[:len(p)-pad]
	return nil
}

func appendFrameHead(b []byte, kind, flags byte, stream uint32, n int) []byte {
	b = append(b, byte(n>>16), byte(n>>8), byte(n), kind, flags)
	return binary.BigEndian.AppendUint32(b, stream)
}

func appendSetting(b []byte, id uint16, v uint32) []byte {
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint16(b, id), v)
}

func appendReset(b []byte, stream uint32, code h2Code) []byte {
	return binary.BigEndian.AppendUint32(appendFrameHead(b, h2Reset, 0, stream, 4), uint32(code))
}

func appendWindow(b []byte, stream uint32, n int) []byte {
	return binary.BigEndian.AppendUint32(appendFrameHead(b, h2WindowUpdate, 0, stream, 4), uint32(n))
}

func appendGoAway(b []byte, last uint32, code h2Code, why string) []byte {
	b = appendFrameHead(b, h2GoAway, 0, 0, 8+len(why))
	return append(binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(b, last), uint32(code)), why...)
}

// appendHeaderFrames writes a header block, over as many frames as it takes.
func appendHeaderFrames(b []byte, stream uint32, block []byte, end bool) []byte {
	kind, flags := byte(h2Headers), byte(0)
	if end {
		flags = flagEndStream
	}
	for {
		n := min(len(block), h2FrameMost)
		if n == len(block) {
			flags |= flagEndHeaders
		}
		b = append(appendFrameHead(b, kind, flags, stream, n), block[:n]...)
		if block = block[n:]; len(block) == 0 {
			return b
		}
		kind, flags = h2Continuation, 0
	}
}
