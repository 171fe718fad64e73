package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"time"
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
	shown := rep.body
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
	if at := lastModified(shown); !at.IsZero() {
		h.Set("Last-Modified", at.UTC().Format(http.TimeFormat))
	}
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

// lastModified is when what is shown was last changed, the newest of a list; zero when it
// does not say.
func lastModified(body any) (at time.Time) {
	v := reflect.ValueOf(body)
	switch v.Kind() {
	case reflect.Struct:
		if f := v.FieldByName("UpdatedAt"); f.IsValid() {
			at, _ = f.Interface().(time.Time)
		}
	case reflect.Slice:
		for i := range v.Len() {
			if e := v.Index(i); e.Kind() == reflect.Struct && e.CanInterface() {
				if t := lastModified(e.Interface()); t.After(at) {
					at = t
				}
			}
		}
	}
	return at
}
