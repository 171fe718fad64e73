package static

import (
	"fmt"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"time"
)

// proxy passes requests whose paths begin with its prefix on to an origin.
type proxy struct {
	prefix string
	origin *url.URL
	to     *httputil.ReverseProxy
}

func originOf(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("origin %q is not an http:// or https:// URL", text)
	}
	return u, nil
}

// proxies makes those of a configuration, the longest prefix first.
func proxies(c Config) ([]*proxy, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = nil
	transport.ResponseHeaderTimeout = time.Minute
	var all []*proxy
	for prefix, about := range c.Proxies {
		origin, err := originOf(about.Origin)
		if err != nil {
			return nil, fmt.Errorf("static.json: proxy %s: %w", prefix, err)
		}
		p := &proxy{prefix: prefix, origin: origin}
		p.to = &httputil.ReverseProxy{Rewrite: p.rewrite, ModifyResponse: p.adapt, ErrorHandler: p.failed, Transport: transport}
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b *proxy) int {
		if n := len(b.prefix) - len(a.prefix); n != 0 {
			return n
		}
		return strings.Compare(a.prefix, b.prefix)
	})
	return all, nil
}

// forwarded are the headers that the router gives; the origin gets them as they came.
var forwarded = []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Proto"}

// rewrite puts the origin's path in the place of the prefix.
func (p *proxy) rewrite(r *httputil.ProxyRequest) {
	rest := strings.TrimPrefix(strings.TrimPrefix(cleaned(r.In.URL.Path), p.prefix), "/")
	r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = p.origin.Scheme, p.origin.Host, p.origin.Host
	r.Out.URL.Path, r.Out.URL.RawPath = p.base()+rest, ""
	for _, name := range forwarded {
		if values := r.In.Header.Values(name); len(values) > 0 {
			r.Out.Header[http.CanonicalHeaderKey(name)] = values
		}
	}
}

// base is the origin's path with one slash at its end.
func (p *proxy) base() string { return strings.TrimSuffix(p.origin.Path, "/") + "/" }

// adapt leads redirects within the origin back through the prefix.
func (p *proxy) adapt(r *http.Response) error {
	to := r.Header.Get("Location")
	for _, scheme := range []string{"http://", "https://"} {
		if rest, ok := strings.CutPrefix(to, scheme+p.origin.Host+p.base()); ok {
			r.Header.Set("Location", strings.TrimSuffix(p.prefix, "/")+"/"+rest)
		}
	}
	return nil
}

func (p *proxy) failed(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		return // the client has gone
	}
	log.Printf("kigo-static: pass %s on to %s: %v", p.prefix, p.origin.Redacted(), err)
	http.Error(w, "502 Bad Gateway", http.StatusBadGateway)
}

// configured lets the headers of static.json win over those of an origin.
type configured struct {
	http.ResponseWriter
	values HeaderValues
}

func (c configured) WriteHeader(status int) {
	for name, v := range c.values {
		c.Header().Set(name, v)
	}
	c.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController: proxied streams are flushed.
func (c configured) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// proxied passes a request on, if there is a proxy for its path.
func (h *Handler) proxied(w http.ResponseWriter, r *http.Request, path string) bool {
	for _, p := range h.proxies {
		if strings.HasPrefix(path, p.prefix) {
			values, _ := h.config.Headers.last(path)
			p.to.ServeHTTP(configured{w, values}, r)
			return true
		}
	}
	return false
}
