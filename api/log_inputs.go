package api

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/client"
	"github.com/kigo-dev/kigo/logplex"
	"github.com/kigo-dev/kigo/store"
)

// How often lines may be brought from outside: by each input, and by each address
// with tokens that are none. How many lines an app may have at all is the hub's
// to say (L12).
const (
	inputBurst       = 1200
	inputPerMinute   = 1200
	unknownBurst     = 60
	unknownPerMinute = 30
)

// frameType is the content type of Logplex's frames.
const frameType = "application/logplex-1"

func (c *call) serializeLogInput(in kigo.LogInput) client.LogInput {
	return client.LogInput{App: appRef(c.app), CreatedAt: second(in.CreatedAt), ID: in.ID, Name: in.Name}
}

func logInputList(c *call) (reply, error) {
	var all []kigo.LogInput
	err := c.view(func(tx *store.Tx) (err error) {
		all, err = tx.LogInputs(c.app.ID)
		return err
	})
	if err != nil {
		return reply{}, err
	}
	return page(c, all, each(c.serializeLogInput), textKey("name", func(in kigo.LogInput) string { return in.Name }))
}

func logInputCreate(c *call) (reply, error) {
	var in struct {
		Name *string `json:"name"`
	}
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	if value(in.Name) == "" {
		return reply{}, kigo.Invalid("name is required: who will write lines, such as my-addon.")
	}
	made, token, err := ctrl(c).AddLogInput(c.ctx(), c.actor, c.app.ID, *in.Name)
	if err != nil {
		return reply{}, err
	}
	out := c.serializeLogInput(made)
	out.Token, out.URL = token, inputURL(c.s.baseURL(c.r), token)
	return created(out), nil
}

// inputURL is the address that an add-on is given.
func inputURL(base, token string) string {
	for _, scheme := range []string{"https://", "http://"} {
		if len(base) > len(scheme) && base[:len(scheme)] == scheme {
			return scheme + "token:" + token + "@" + base[len(scheme):] + "/logs"
		}
	}
	return base + "/logs"
}

func logInputDelete(c *call) (reply, error) {
	in, err := ctrl(c).RemoveLogInput(c.ctx(), c.actor, c.app.ID, c.param("input"))
	return ok(c.serializeLogInput(in)), err
}

// logInput takes lines from outside: POST https://token:TOKEN@host/logs.
func logInput(c *call) (reply, error) {
	_, token, basic := c.r.BasicAuth()
	if !basic || token == "" {
		return reply{}, newError(kigo.IDUnauthorized, "There is no token of a log input: post to https://token:TOKEN@HOST/logs.")
	}
	in, err := ctrl(c).LogInput(c.ctx(), token)
	if errors.Is(err, kigo.ErrNotFound) {
		host, _, _ := net.SplitHostPort(c.r.RemoteAddr)
		if !c.s.inputs.allow(c, "from "+host, c.s.strangers) {
			return reply{}, tooManyInputs
		}
		return reply{}, newError(kigo.IDUnauthorized, "This token is of no log input: it may have been removed; make one with `kigo logs:inputs:add`.")
	}
	if err != nil {
		return reply{}, err
	}
	if !c.s.inputs.allow(c, in.ID, c.s.writers) {
		return reply{}, tooManyInputs
	}
	if kind, _, err := mime.ParseMediaType(c.r.Header.Get("Content-Type")); err != nil || kind != frameType {
		return reply{}, newError(kigo.IDBadRequest, fmt.Sprintf("Content-Type is %.80q: it must be %s.", c.r.Header.Get("Content-Type"), frameType))
	}
	count := -1
	if text := c.r.Header.Get("Logplex-Msg-Count"); text != "" {
		if count, err = strconv.Atoi(text); err != nil || count < 0 {
			return reply{}, newError(kigo.IDBadRequest, fmt.Sprintf("Logplex-Msg-Count is %.40q: it must be the number of messages in the body.", text))
		}
	}
	body, err := io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, logplex.MaxInput))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return reply{}, newError(idTooLarge, fmt.Sprintf("The body is too large: the maximum is %d bytes.", logplex.MaxInput))
	case err != nil:
		return reply{}, newError(kigo.IDBadRequest, "The body ended early: "+err.Error()+".")
	}
	lines, err := logplex.ParseInput(body, count, in.Name)
	if err != nil {
		return reply{}, newError(kigo.IDBadRequest, "These are no log lines, and none was taken: "+err.Error()+".")
	}
	if frame := c.r.Header.Get("Logplex-Frame-Id"); c.s.inputs.first(in.ID, frame) {
		c.s.Logs.Hub.Write(in.App, lines...)
	}
	c.w.WriteHeader(http.StatusNoContent)
	return reply{}, nil
}

var tooManyInputs = newError(kigo.IDRateLimit, "Too many requests with log lines: send more lines at once, and wait before the next.")

// inputBook knows which frames have come, so that one that is sent again, because
// its answer was lost, counts once.
type inputBook struct {
	mu   sync.Mutex
	seen map[string][]string // the last frames' ids, by input
}

const framesRemembered = 64

// first reports whether a frame has not come before.
func (b *inputBook) first(input, frame string) bool {
	if frame == "" || len(frame) > 200 {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if slices.Contains(b.seen[input], frame) {
		return false
	}
	if b.seen == nil || len(b.seen) > maxBuckets {
		b.seen = map[string][]string{}
	}
	ids := append(b.seen[input], frame)
	b.seen[input] = ids[max(0, len(ids)-framesRemembered):]
	return true
}

func (b *inputBook) allow(c *call, who string, l *limiter) bool {
	_, allowed := l.take(who, 1)
	if !allowed {
		c.w.Header().Set("Retry-After", "10")
	}
	return allowed
}

func serializeRetention(r kigo.LogRetention) client.LogRetention {
	return client.LogRetention{Lines: r.Lines, Bytes: r.Bytes, Age: int(r.Age.Seconds())}
}

func logRetentionInfo(c *call) (reply, error) {
	var r kigo.LogRetention
	err := c.view(func(tx *store.Tx) (err error) {
		r, err = tx.LogRetention(c.app.ID)
		return err
	})
	return ok(serializeRetention(r)), err
}

func logRetentionUpdate(c *call) (reply, error) {
	var in struct {
		Lines *int   `json:"lines"`
		Bytes *int64 `json:"bytes"`
		Age   *int   `json:"age"`
	}
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	var r kigo.LogRetention
	err := c.view(func(tx *store.Tx) (err error) {
		r, err = tx.LogRetention(c.app.ID)
		return err
	})
	if err != nil {
		return reply{}, err
	}
	if in.Lines != nil {
		r.Lines = *in.Lines
	}
	if in.Bytes != nil {
		r.Bytes = *in.Bytes
	}
	if in.Age != nil {
		if *in.Age < 0 || *in.Age > int(kigo.MaxRetainedAge.Seconds()) {
			return reply{}, kigo.Invalid("age is %d seconds: lines can be kept for at most %.0f seconds, or 0 for however long.", *in.Age, kigo.MaxRetainedAge.Seconds())
		}
		r.Age = time.Duration(*in.Age) * time.Second
	}
	err = ctrl(c).SetLogRetention(c.ctx(), c.actor, c.app.ID, r)
	return ok(serializeRetention(r)), err
}
