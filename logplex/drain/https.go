package drain

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/kigo-dev/kigo"
)

// userAgent is what receivers know; the version is that of the frames.
const userAgent = "Logplex/v72"

// maxAnswer is how much of an answer is read so that its connection can be used again.
const maxAnswer = 64 << 10

// refusal is an answer that is not 2xx.
type refusal struct{ status int }

func (r refusal) Error() string { return fmt.Sprintf("receiver answered %d", r.status) }

// final reports whether sending the same frame again is pointless.
func (r refusal) final() bool {
	switch r.status {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity:
		return true
	}
	return false
}

// poster sends frames over HTTP.
type poster struct {
	client *http.Client
	url    *url.URL // without credentials
	user   *url.Userinfo
	token  string
	open   *atomic.Int32 // readers of the last frame that the client has not closed
}

// body is a frame's body while a client reads it, which may be longer than the
// answer takes.
type body struct {
	*bytes.Reader
	closed sync.Once
	open   *atomic.Int32
}

func newBody(b []byte, open *atomic.Int32) *body {
	open.Add(1)
	return &body{Reader: bytes.NewReader(b), open: open}
}

// Close implements io.Closer.
func (b *body) Close() error {
	b.closed.Do(func() { b.open.Add(-1) })
	return nil
}

// done reports whether nobody reads the last frame any more.
func (p *poster) done() bool { return p.open == nil || p.open.Load() == 0 }

func newPoster(client *http.Client, u *url.URL, token string) *poster {
	bare := *u
	bare.User = nil
	return &poster{client: client, url: &bare, user: u.User, token: token}
}

func (p *poster) frame(lines []kigo.LogLine, lost loss, spare []byte) *frame {
	return newFrame("host", lines, lost, spare)
}

func (p *poster) send(ctx context.Context, f *frame) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url.String(), nil)
	if err != nil {
		return err
	}
	p.open = new(atomic.Int32)
	r.GetBody = func() (io.ReadCloser, error) { return newBody(f.Body, p.open), nil }
	r.Body, _ = r.GetBody()
	r.ContentLength = int64(len(f.Body))
	if p.user != nil {
		password, _ := p.user.Password()
		r.SetBasicAuth(p.user.Username(), password)
	}
	r.Header.Set("Content-Type", "application/logplex-1")
	r.Header.Set("User-Agent", userAgent)
	r.Header.Set("Logplex-Msg-Count", strconv.Itoa(f.Count))
	r.Header.Set("Logplex-Frame-Id", f.ID)
	r.Header.Set("Logplex-Drain-Token", p.token)
	resp, err := p.client.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, maxAnswer) // the status is the answer
	if resp.StatusCode/100 != 2 {
		return refusal{resp.StatusCode}
	}
	return nil
}

func (p *poster) close() {}
