package router

import (
	"bytes"
	"net"
	"strconv"
)

var (
	challengePath = []byte("/.well-known/acme-challenge/")
	redirectText  = []byte("Use https for this address.\n")
)

// settle answers what no dyno is needed for although the app is known: a
// certificate authority's challenge, and plain HTTP of an app that wants HTTPS.
func (x *exchange) settle() bool {
	v := x.view
	if len(v.Challenges) > 0 {
		if answer := v.challenge(&x.req); answer != nil {
			x.answer(200, answer, false, x.req.hasBody())
			x.log()
			return true
		}
	}
	if !v.ForceHTTPS || !x.c.plain || len(x.c.rt.config.HTTPS) == 0 {
		return false
	}
	status := 308 // the method stays
	if bytes.Equal(x.req.method, methodGET) || bytes.Equal(x.req.method, methodHEAD) {
		status = 301
	}
	x.answer(status, redirectText, false, x.req.hasBody())
	x.log()
	return true
}

// challenge is the answer that a request asks for; nil: it is no such request.
func (v *view) challenge(q *request) []byte {
	token, found := bytes.CutPrefix(q.target, challengePath)
	if !found {
		return nil
	}
	host := bareHost(q.host)
	for _, c := range v.Challenges {
		if c.Token == string(token) && bytes.EqualFold(host, []byte(c.Host)) {
			return []byte(c.Answer)
		}
	}
	return nil
}

// secureURL is where the request should have gone.
func (x *exchange) secureURL() string {
	target := x.req.target
	if len(target) == 0 || target[0] != '/' { // OPTIONS *
		target = []byte("/")
	}
	return "https://" + string(bareHost(x.req.host)) + x.c.rt.suffix + string(target)
}

// bareHost is a host without its port.
func bareHost(host []byte) []byte {
	if i := bytes.LastIndexByte(host, ':'); i >= 0 && bytes.IndexByte(host[i:], ']') < 0 {
		return host[:i]
	}
	return host
}

// portSuffix is what https URLs need after the host to reach the first listener.
func portSuffix(listeners []net.Listener) string {
	if len(listeners) == 0 {
		return ""
	}
	const usual = 443
	if a, ok := listeners[0].Addr().(*net.TCPAddr); ok && a.Port != usual {
		return ":" + strconv.Itoa(a.Port)
	}
	return ""
}
