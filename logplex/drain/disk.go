package drain

import (
	"cmp"
	"os"
)

// steps stands between a drain and its files: a test has the steps on disk fail, or
// ends at one of them as a kill does. Of a write of so many bytes, n are made; an
// error is reported whatever was made. It is nil but in tests.
type steps func(step string, bytes int) (n int, err error)

func (s steps) write(step string, f *os.File, b []byte, at int64) (int, error) {
	var told error
	if s != nil {
		var n int
		n, told = s(step, len(b))
		b = b[:n]
	}
	n, err := f.WriteAt(b, at)
	return n, cmp.Or(told, err)
}

// do does what is done wholly or not at all.
func (s steps) do(step string, f func() error) error {
	if s == nil {
		return f()
	}
	n, told := s(step, 1)
	if n == 0 {
		return told
	}
	return cmp.Or(told, f())
}
