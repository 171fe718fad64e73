package api

import (
	"context"
	"errors"
	"net/http"
	"syscall"

	kigo "github.com/kigo-dev/kigo"
)

// statuses maps Heroku's error ids to HTTP (Platform API reference, "Errors").
var statuses = map[string]int{
	kigo.IDBadRequest:         http.StatusBadRequest,
	kigo.IDUnauthorized:       http.StatusUnauthorized,
	kigo.IDForbidden:          http.StatusForbidden,
	kigo.IDNotFound:           http.StatusNotFound,
	kigo.IDNotAcceptable:      http.StatusNotAcceptable,
	kigo.IDConflict:           http.StatusConflict,
	kigo.IDGone:               http.StatusGone,
	kigo.IDPreconditionFailed: http.StatusPreconditionFailed,
	idTooLarge:                http.StatusRequestEntityTooLarge,
	kigo.IDRange:              http.StatusRequestedRangeNotSatisfiable,
	kigo.IDInvalidParams:      http.StatusUnprocessableEntity,
	kigo.IDVerification:       http.StatusUnprocessableEntity,
	kigo.IDRateLimit:          http.StatusTooManyRequests,
	kigo.IDTwoFactor:          http.StatusForbidden,
	kigo.IDUnavailable:        http.StatusServiceUnavailable,
	idInternal:                http.StatusInternalServerError,
}

const (
	idTooLarge = "request_too_large"
	idInternal = "internal_server_error"
)

// problem is an error's body.
type problem struct {
	ID       string `json:"id"`
	Message  string `json:"message"`
	Resource string `json:"resource,omitempty"`
	URL      string `json:"url,omitempty"`
}

// newError makes an error with one of the ids above.
func newError(id, message string) *kigo.Error { return &kigo.Error{ID: id, Message: message} }

// fail answers with err: a *kigo.Error as it is, anything else as a 500 whose
// detail goes to the log under the request's id.
func (c *call) fail(err error) {
	e, user := kigo.AsError(err)
	switch {
	case user:
	case errors.Is(err, context.Canceled) && c.r.Context().Err() != nil:
		return // nobody is left to read the answer
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		c.s.Log.ErrorContext(c.r.Context(), "disk full", "error", err, "method", c.r.Method, "path", c.r.URL.Path, "request_id", c.id)
		e = newError(kigo.IDUnavailable, "The platform's disk is full: nothing was changed. Try again when its operator has freed some space.")
	default:
		c.s.Log.ErrorContext(c.r.Context(), "request failed", "error", err, "method", c.r.Method,
			"path", c.r.URL.Path, "request_id", c.id)
		e = newError(idInternal, "Internal server error. The request's id is "+c.id+": an operator finds the cause in the server's log.")
	}
	status, known := statuses[e.ID]
	if !known {
		status = http.StatusUnprocessableEntity
	}
	h := c.w.Header()
	h.Set("Content-Type", "application/json;charset=utf-8")
	h.Set("Cache-Control", "no-store")
	if status == http.StatusUnauthorized {
		// Not Basic: a browser would ask for a password, keep it and send it along
		// with whatever another site makes it request here.
		h.Set("WWW-Authenticate", `Bearer realm="Heroku"`)
	}
	c.w.WriteHeader(status)
	if data, err := encode(problem{ID: e.ID, Message: e.Message, Resource: e.Resource, URL: e.URL}); err == nil {
		c.w.Write(data)
	}
}
