package api

import "net/http"

// override is the method that a POST stands for: clients behind proxies that
// know no PATCH say so by X-Http-Method-Override. It never becomes a GET.
func override(method string) string {
	switch method {
	case http.MethodPatch, http.MethodPut, http.MethodDelete:
		return method
	}
	return http.MethodPost
}

func withMethod(r *http.Request, method string) *http.Request {
	if r.Method == method {
		return r
	}
	changed := *r
	changed.Method = method
	return &changed
}

// bodyless drops the body of an answer to HEAD.
type bodyless struct{ http.ResponseWriter }

func (b bodyless) Write(p []byte) (int, error) { return len(p), nil }

// cors lets pages of any origin use the API. That is safe because nothing here
// is authorized by a cookie: a page needs the token itself.
func cors(h http.Header) {
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")
	h.Set("Access-Control-Allow-Headers", "Accept, Authorization, Content-Type, Heroku-Two-Factor-Code, Idempotency-Key, If-Match, If-None-Match, Range, Request-Id, X-Http-Method-Override")
	h.Set("Access-Control-Expose-Headers", "Accept-Ranges, Content-Range, ETag, Idempotent-Replayed, Last-Modified, Next-Range, RateLimit-Remaining, Request-Id")
	h.Set("Access-Control-Max-Age", "86400")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Vary", "Accept, Authorization, Range")
	h.Set("Cache-Control", "private, no-cache")
}
