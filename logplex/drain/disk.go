package drain

import (
	"cmp"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// steps stands between a drain and its files: a test has the steps on disk fail, or
// ends at one of them as a kill does. Of a write of so many bytes, n are made; an
// error is reported whatever was made. It is nil but in tests.
type steps func(step string, bytes int) (n int, err error)

// write puts a record at a place. Its two parts are not copied together: a body is
// large.
func (s steps) write(step string, f *os.File, r entry, at int64) (int, error) {
	var told error
	if s != nil {
		var n int
		n, told = s(step, r.size())
		r = r.first(n)
	}
	done, err := unix.Pwritev(int(f.Fd()), [][]byte{r.head, r.body}, at)
	for err == nil && done < r.size() { // most often one call takes all
		rest := r.after(done)
		var n int
		if n, err = f.WriteAt(append(rest.head, rest.body...), at+int64(done)); err == nil && n == 0 {
			err = io.ErrShortWrite
		}
		done += n
	}
	return done, cmp.Or(told, err)
}

// entry is a state or a frame as it is written: with its lengths and its head, and
// the body.
type entry struct{ head, body []byte }

func (r entry) size() int { return len(r.head) + len(r.body) }

// first is a record's first n bytes.
func (r entry) first(n int) entry {
	if n <= len(r.head) {
		return entry{head: r.head[:n:n]}
	}
	return entry{r.head, r.body[:n-len(r.head)]}
}

// after is what follows a record's first n bytes.
func (r entry) after(n int) entry {
	if n <= len(r.head) {
		return entry{r.head[n:len(r.head):len(r.head)], r.body}
	}
	return entry{body: r.body[n-len(r.head):]}
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
