package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// reply is what a handler answers: a status and a body to encode as JSON.
type reply struct {
	status int
	body   any
	header http.Header // more headers; may be nil
}

func ok(body any) reply       { return reply{status: http.StatusOK, body: body} }
func created(body any) reply  { return reply{status: http.StatusCreated, body: body} }
func accepted(body any) reply { return reply{status: http.StatusAccepted, body: body} }

// empty is the body of an action that has nothing to tell. Heroku sends an
// object: clients that decode every success fail on no body at all.
var empty = struct{}{}

// encode renders a body as Heroku does: indented, one line end, & and < as they are.
func encode(body any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(body); err != nil {
		return nil, fmt.Errorf("encode answer: %w", err)
	}
	return b.Bytes(), nil
}

// etag names a representation.
func etag(data []byte) string {
	sum := sha256.Sum256(data)
	return `"` + hex.EncodeToString(sum[:16]) + `"`
}

// matches reports whether a list of entity tags (If-None-Match, If-Match) holds tag.
func matches(list, tag string) bool {
	for candidate := range strings.SplitSeq(list, ",") {
		candidate = strings.TrimSpace(candidate)
		if candidate == "*" || strings.TrimPrefix(candidate, "W/") == tag {
			return true
		}
	}
	return false
}

// write sends rep, or 304 when the client has it already.
func (c *call) write(rep reply) error {
	if c.sdk() {
		body, err := enrich(rep.body)
		if err != nil {
			return err
		}
		rep.body = body
	}
	data, err := encode(rep.body)
	if err != nil {
		return err
	}
	h := c.w.Header()
	for name, values := range rep.header {
		h[name] = values
	}
	tag := etag(data)
	h.Set("Content-Type", "application/json;charset=utf-8")
	h.Set("ETag", tag)
	if c.reads() && matches(c.r.Header.Get("If-None-Match"), tag) {
		h.Del("Content-Type")
		c.w.WriteHeader(http.StatusNotModified)
		return nil
	}
	c.w.WriteHeader(rep.status)
	if c.r.Method != http.MethodHead {
		_, err = c.w.Write(data)
	}
	return err
}
