package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/go-chi/chi/v5"

	kigo "github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/control"
	"github.com/kigo-dev/kigo/store"
)

// maxBody bounds a JSON body.
const maxBody = 1 << 20

// call is one request on its way through a handler: who asks, for which app.
type call struct {
	s     *Server
	w     http.ResponseWriter
	r     *http.Request
	id    string // the request's own id
	actor control.Actor
	auth  kigo.Authorization
	route route
	token string   // as presented
	left  int      // requests left
	app   kigo.App // of {app} in the pattern, which the actor may see

	team             kigo.Team       // of {team}, as app
	enterprise       kigo.Enterprise // of {enterprise}, as app
	enterpriseRights []string        // what the actor may do with it
}

func (c *call) ctx() context.Context { return c.r.Context() }

// reads reports whether the request only reads.
func (c *call) reads() bool { return c.r.Method == http.MethodGet || c.r.Method == http.MethodHead }

// param is a part of the path named in the route's pattern, unescaped.
func (c *call) param(name string) string {
	raw := chi.URLParam(c.r, name)
	if v, err := url.PathUnescape(raw); err == nil {
		return v
	}
	return raw
}

// view reads the store.
func (c *call) view(f func(*store.Tx) error) error { return c.s.Store.View(c.ctx(), f) }

// decode reads the body into out, a pointer to a struct of pointers so that
// absent, null and a value differ. No body at all is an empty object. Fields
// that out does not have are ignored, as Heroku does.
func (c *call) decode(out any) error {
	data, err := c.body()
	if err != nil || len(data) == 0 {
		return err
	}
	if data[0] != '{' {
		return newError(kigo.IDBadRequest, "Unable to parse the JSON request: the body must be an object, such as {\"name\":\"value\"}.")
	}
	var wrongType *json.UnmarshalTypeError
	err = json.Unmarshal(data, out)
	if e, ours := kigo.AsError(err); ours { // a type of ours refused a value
		return e
	}
	switch {
	case errors.As(err, &wrongType):
		return kigo.Invalid("Invalid value for %s: it must be %s, not %s.", fieldPath(wrongType.Field), jsonType(wrongType.Type.String()), wrongType.Value)
	case err != nil:
		return newError(kigo.IDBadRequest, "Unable to parse the JSON request: "+strings.TrimPrefix(err.Error(), "json: ")+".")
	}
	return nil
}

// body reads the whole body, without the space around it.
func (c *call) body() ([]byte, error) {
	data, err := io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, maxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, newError(idTooLarge, fmt.Sprintf("The body is too large: the maximum is %d bytes.", maxBody))
	case err != nil:
		return nil, newError(kigo.IDBadRequest, "The body ended early: "+err.Error()+".")
	case !utf8.Valid(data):
		return nil, newError(kigo.IDBadRequest, "Unable to parse the JSON request: the body is not valid UTF-8.")
	}
	return bytes.TrimSpace(data), nil
}

func fieldPath(field string) string {
	if field == "" {
		return "the body"
	}
	return field
}

// jsonType is the JSON name of a Go type for messages.
func jsonType(goType string) string {
	t := strings.TrimLeft(goType, "*")
	switch {
	case t == "string" || t == "bool":
		return map[string]string{"string": "a string", "bool": "a boolean"}[t]
	case strings.HasPrefix(t, "int"), strings.HasPrefix(t, "float"):
		return "a number"
	case strings.HasPrefix(t, "[]"):
		return "an array"
	}
	return "an object"
}
