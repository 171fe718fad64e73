package shim

import (
	"bytes"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// maxLine is where longer lines are split (kigo.MaxLogLine).
const maxLine = 10_000

// splitter cuts a stream of bytes into lines.
type splitter struct {
	partial []byte
	cut     bool // the last line was ended by its length: a line end right after it belongs to it
}

// feed calls line with each complete line in data; text is valid during the call.
func (s *splitter) feed(data []byte, line func([]byte)) {
	for len(data) > 0 {
		if s.cut && data[0] == '\n' {
			data = data[1:]
		}
		s.cut = false
		end := bytes.IndexByte(data, '\n')
		room := maxLine - len(s.partial)
		switch {
		case end >= 0 && end <= room:
			s.partial = append(s.partial, data[:end]...)
			data = data[end+1:]
		case len(data) < room:
			s.partial = append(s.partial, data...)
			return
		default:
			s.partial = append(s.partial, data[:room]...)
			data, s.cut = data[room:], true
		}
		line(s.partial)
		s.partial = s.partial[:0]
	}
}

// end calls line with what stands behind the last line end.
func (s *splitter) end(line func([]byte)) {
	if len(s.partial) > 0 {
		line(s.partial)
		s.partial = nil
	}
}

// outputPipe makes a pipe whose dyno's end is open for reading too: if the shim
// dies, the dyno gets no SIGPIPE. The pipe belongs to the dyno's user, so that it
// can open /dev/stdout.
func outputPipe(uid int) (read, write *os.File, err error) {
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
		return nil, nil, fmt.Errorf("make output pipe: %w", err)
	}
	defer func() { _ = unix.Close(fds[1]) }()
	both, err := unix.Open(fmt.Sprintf("/proc/self/fd/%d", fds[1]), unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		_ = unix.Close(fds[0])
		return nil, nil, fmt.Errorf("reopen output pipe: %w", err)
	}
	_ = unix.Fchown(both, uid, uid)
	_ = unix.SetNonblock(fds[0], true)
	return os.NewFile(uintptr(fds[0]), "output"), os.NewFile(uintptr(both), "output"), nil
}

// pump reads out until it is told by a read deadline that the dyno has ended, then takes
// what is left. There is no end of file: the dyno's end is open for reading too.
func pump(out *os.File, sink func([]byte)) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := out.Read(buffer)
		if n > 0 {
			sink(buffer[:n])
		}
		if err != nil {
			break
		}
	}
	drainNow(out, buffer, sink)
}

// drainNow takes what can be read without waiting.
func drainNow(out *os.File, buffer []byte, sink func([]byte)) {
	raw, err := out.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		for {
			n, err := unix.Read(int(fd), buffer)
			if err == unix.EINTR {
				continue
			}
			if n <= 0 {
				return
			}
			sink(buffer[:n])
		}
	})
}

// logOutput pumps out into the log until the dyno has ended.
func logOutput(out *os.File, log *logWriter) {
	var lines splitter
	pump(out, func(data []byte) {
		now := time.Now()
		lines.feed(data, func(text []byte) { log.line(text, now) })
	})
	lines.end(func(text []byte) { log.line(text, time.Now()) })
}
