package drain

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"

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
}

func newPoster(client *http.Client, u *url.URL, token string) *poster {
	bare := *u
	bare.User = nil
	return &poster{client: client, url: &bare, user: u.User, token: token}
}

func (p *poster) frame(lines []kigo.LogLine, lost loss) *frame { return newFrame("host", lines, lost) }

func (p *poster) send(ctx context.Context, f *frame) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url.String(), bytes.NewReader(f.Body))
	if err != nil {
		return err
	}
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
