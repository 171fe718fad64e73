package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// Error is a refusal by the server: Heroku's error id, the sentence for the user
// and, where there is one, the resource that was not found and a page to read.
type Error struct {
	ID       string `json:"id"`
	Message  string `json:"message"`
	Resource string `json:"resource,omitempty"`
	URL      string `json:"url,omitempty"`
	Status   int    `json:"-"`
}

func (e *Error) Error() string { return e.Message }

// IsNotFound reports whether err is the server's word that a thing does not exist.
func IsNotFound(err error) bool { return hasStatus(err, http.StatusNotFound) }

// IsUnauthorized reports whether err says that the token is missing or wrong.
func IsUnauthorized(err error) bool { return hasStatus(err, http.StatusUnauthorized) }

// IsForbidden reports whether err says that the caller may not.
func IsForbidden(err error) bool { return hasStatus(err, http.StatusForbidden) }

func hasStatus(err error, status int) bool {
	var e *Error
	return errors.As(err, &e) && e.Status == status
}

func decodeError(resp *http.Response, data []byte) *Error {
	e := &Error{}
	if json.Unmarshal(data, e) != nil || e.Message == "" {
		text, _, _ := strings.Cut(strings.TrimSpace(string(data)), "\n")
		e.ID = "unexpected_response"
		e.Message = fmt.Sprintf("%s answered %s: %.200s", resp.Request.URL.Host, resp.Status, text)
	}
	e.Status = resp.StatusCode
	return e
}
