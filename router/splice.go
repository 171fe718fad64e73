package router

import (
	"errors"
	"io"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// Large bodies between plain sockets stay in the kernel: socket to pipe to socket.
const (
	spliceFrom = 64 << 10 // what must be left of a body to be worth it
	splicePipe = 256 << 10
)

// splicer moves bytes from one wire to another through a pipe.
type splicer struct {
	from, to *wire
	pipe     *pipe
	most     int // of this step
	n        int
	err      error
	in, out  func(fd uintptr) bool
}

type pipe struct{ r, w int }

// pipes are kept for reuse, a bounded number of them.
var pipes = make(chan *pipe, 64)

func takePipe() *pipe {
	select {
	case p := <-pipes:
		return p
	default:
	}
	var fds [2]int
	if unix.Pipe2(fds[:], unix.O_NONBLOCK|unix.O_CLOEXEC) != nil {
		return nil
	}
	_, _ = unix.FcntlInt(uintptr(fds[1]), unix.F_SETPIPE_SZ, splicePipe) // refused past the user's share; then it is smaller
	return &pipe{fds[0], fds[1]}
}

func (p *pipe) give() {
	select {
	case pipes <- p:
	default:
		p.close()
	}
}

func (p *pipe) close() {
	_ = unix.Close(p.r)
	_ = unix.Close(p.w)
}

var splicers = sync.Pool{New: func() any {
	s := &splicer{}
	s.in, s.out = s.pull, s.push
	return s
}}

// newSplicer returns nil where bytes must pass through us: TLS, HTTP/2, or no pipes left.
func newSplicer(from, to *wire) *splicer {
	if !from.plain || !to.plain {
		return nil
	}
	p := takePipe()
	if p == nil {
		return nil
	}
	s := splicers.Get().(*splicer)
	s.from, s.to, s.pipe = from, to, p
	return s
}

// fill moves up to most bytes from the source into the pipe, which is empty.
func (s *splicer) fill(most int64) (int, error) {
	s.most = int(min(most, splicePipe))
	if err := s.from.raw.Read(s.in); err != nil {
		return 0, err
	}
	if s.n == 0 && s.err == nil {
		return 0, io.EOF
	}
	return s.n, s.err
}

// drain moves n bytes from the pipe to the destination.
func (s *splicer) drain(n int) error {
	for n > 0 {
		s.most = n
		if err := s.to.raw.Write(s.out); err != nil {
			return err
		}
		if s.err != nil {
			return s.err
		}
		n -= s.n
	}
	return nil
}

func (s *splicer) pull(fd uintptr) bool { return s.step(int(fd), s.pipe.w) }
func (s *splicer) push(fd uintptr) bool { return s.step(s.pipe.r, int(fd)) }

func (s *splicer) step(from, to int) bool {
	for {
		n, err := unix.Splice(from, nil, to, nil, s.most, unix.SPLICE_F_MOVE|unix.SPLICE_F_NONBLOCK)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		s.n, s.err = int(n), err
		return !errors.Is(err, syscall.EAGAIN)
	}
}

// free gives the pipe back; one that may hold bytes is closed.
func (s *splicer) free(clean bool) {
	if clean {
		s.pipe.give()
	} else {
		s.pipe.close()
	}
	s.from, s.to, s.pipe, s.err = nil, nil, nil, nil
	splicers.Put(s)
}
