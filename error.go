package kigo

import (
	"errors"
	"fmt"
)

// Error is a failure meant for a user. ID is one of Heroku's error ids (see the
// constants), Message says what was wrong, with which value, and what to do
// next. Any other error type is ours: the API answers 500 and logs the detail.
type Error struct {
	ID       string
	Message  string
	Resource string // what was not found, such as "app"; empty otherwise
	URL      string // where to read more; optional
}

func (e *Error) Error() string { return e.Message }

// Is reports whether target is an *Error with the same ID, so that callers can
// write errors.Is(err, kigo.ErrNotFound).
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.ID == e.ID && t.Message == ""
}

// Heroku's error ids, as in the Platform API reference.
const (
	IDBadRequest         = "bad_request"
	IDUnauthorized       = "unauthorized"
	IDForbidden          = "forbidden"
	IDNotFound           = "not_found"
	IDNotAcceptable      = "not_acceptable"
	IDConflict           = "conflict"
	IDGone               = "gone"
	IDPreconditionFailed = "precondition_failed"
	IDRange              = "requested_range_not_satisfiable"
	IDInvalidParams      = "invalid_params"
	IDVerification       = "verification_needed"
	IDRateLimit          = "rate_limit"
	IDUnavailable        = "service_unavailable"
	IDTwoFactor          = "two_factor"
)

// Sentinels for errors.Is; they match any *Error of the same id.
var (
	ErrNotFound  = &Error{ID: IDNotFound}
	ErrInvalid   = &Error{ID: IDInvalidParams}
	ErrForbidden = &Error{ID: IDForbidden}
	ErrConflict  = &Error{ID: IDConflict}
	ErrGone      = &Error{ID: IDGone}
)

// Invalid returns an invalid_params error.
func Invalid(format string, args ...any) *Error {
	return &Error{ID: IDInvalidParams, Message: fmt.Sprintf(format, args...)}
}

// NotFound returns the error for a resource that does not exist or may not be
// seen, in Heroku's words.
func NotFound(resource string) *Error {
	return &Error{ID: IDNotFound, Message: fmt.Sprintf("Couldn't find that %s.", resource), Resource: resource}
}

// Conflict returns a conflict error: the thing exists or is in a state that does
// not allow what was asked.
func Conflict(format string, args ...any) *Error {
	return &Error{ID: IDConflict, Message: fmt.Sprintf(format, args...)}
}

// AsError returns the *Error in err's chain, if there is one.
func AsError(err error) (*Error, bool) {
	var e *Error
	ok := errors.As(err, &e)
	return e, ok
}
