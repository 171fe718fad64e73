package api

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Capability addresses let their holder do one thing without a token: read one
// output stream, upload or fetch one blob. They end in "?expires=…&signature=…";
// the signature is an HMAC-SHA-256 of method, path and expiry under the server's
// key, so nothing is stored for them and none can be made up.

// sign returns the address of path on the server for one method, valid until
// expires (zero: for ever).
func (s *Server) sign(r *http.Request, method, path string, expires time.Time) string {
	until := ""
	if !expires.IsZero() {
		until = strconv.FormatInt(expires.Unix(), 10)
	}
	q := url.Values{"signature": {s.signature(method, path, until)}}
	if until != "" {
		q.Set("expires", until)
	}
	return s.baseURL(r) + path + "?" + q.Encode()
}

// signed reports whether r was made from an address of sign for the method,
// which has not expired. HEAD counts as GET.
func (s *Server) signed(r *http.Request, method string) bool {
	return s.signedURL(r.URL, method)
}

func (s *Server) signedURL(u *url.URL, method string) bool {
	until := u.Query().Get("expires")
	if until != "" {
		n, err := strconv.ParseInt(until, 10, 64)
		if err != nil || s.Now().After(time.Unix(n, 0)) {
			return false
		}
	}
	return hmac.Equal([]byte(u.Query().Get("signature")), []byte(s.signature(method, u.Path, until)))
}

func (s *Server) signature(method, path, until string) string {
	mac := hmac.New(sha256.New, s.Key)
	mac.Write([]byte("kigo capability v1\n" + method + "\n" + path + "\n" + until))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// baseURL is how the client reached us, unless the operator told an address.
func (s *Server) baseURL(r *http.Request) string {
	if s.BaseURL != "" {
		return strings.TrimRight(s.BaseURL, "/")
	}
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + r.Host
}
