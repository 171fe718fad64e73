package router

import "syscall"

// turn is one write to a dyno and the first read after it as one wait: the read
// is not tried before the dyno can have answered, which would fail nearly always.
type turn struct {
	out     []byte
	in      *buffer
	written int
	tried   bool
	err     error
	step    func(fd uintptr) bool
}

// ask writes out and waits for the first bytes of an answer, which it leaves in
// in. It returns an error when out could not be written; what is wrong with the
// answer the next read tells.
func (w *wire) ask(out []byte, in *buffer) error {
	if !w.plain {
		_, err := w.Write(out)
		return err
	}
	t := &w.turn
	if t.step == nil {
		t.step = t.advance
	}
	t.out, t.in, t.written, t.tried, t.err = out, in, 0, false, nil
	err := w.raw.Read(t.step)
	written, failed := t.written, t.err
	t.out, t.in = nil, nil
	switch {
	case failed != nil:
		return failed
	case err != nil && written == 0:
		return err
	case written < len(out): // more than the socket takes at once
		_, err = w.Write(out[written:])
		return err
	}
	return nil
}

// advance is called by the runtime, which has armed its wait for an answer
// before: first it writes, then it reads each time the socket is ready.
func (t *turn) advance(fd uintptr) bool {
	if !t.tried {
		t.tried = true
		n, failed := writeNow(int(fd), t.out)
		t.written = n
		if failed != 0 && failed != syscall.EAGAIN {
			t.err = failed
		}
		return t.err != nil || n < len(t.out)
	}
	n, failed := readNow(int(fd), t.in.b[t.in.w:])
	t.in.w += n
	return failed != syscall.EAGAIN
}
