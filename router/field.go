package router

import "bytes"

// take looks at one header of a request. It reports whether the line is passed
// on as it is; the lines that the router writes itself are not.
func (q *request) take(name, value []byte) (bool, *refusal) {
	switch len(name) {
	case 2:
		return !equalFold(name, []byte("te")), nil
	case 3:
		if equalFold(name, []byte("via")) {
			q.via = append(q.via, value)
			return false, nil
		}
	case 4:
		if equalFold(name, []byte("host")) {
			return true, q.takeHost(value)
		}
	case 6:
		switch {
		case equalFold(name, []byte("expect")):
			if q.expect != nil || !equalFold(value, tokenContinue) {
				return false, refuseExpect
			}
			q.expect = value
			return false, nil
		case equalFold(name, []byte("cookie")):
			if q.cookie == nil {
				q.cookie = value
			}
		}
	case 7:
		if equalFold(name, []byte("upgrade")) {
			q.upgrade = value
			return false, nil
		}
	case 9:
		switch {
		case equalFold(name, []byte("forwarded")), equalFold(name, []byte("x-real-ip")):
			return false, nil
		}
	case 10:
		switch {
		case equalFold(name, []byte("connection")):
			q.takeConnection(value)
			return false, nil
		case equalFold(name, []byte("keep-alive")):
			return false, nil
		}
	case 12:
		if equalFold(name, []byte("x-request-id")) {
			if q.id == nil && validID(value) {
				q.id = value
			}
			return false, nil
		}
	case 14:
		if equalFold(name, []byte("content-length")) {
			return q.takeLength(value)
		}
		if equalFold(name, []byte("http2-settings")) {
			return false, nil
		}
	case 15:
		switch {
		case equalFold(name, []byte("x-forwarded-for")):
			if len(value) > 0 {
				q.forward = append(q.forward, value)
			}
			return false, nil
		case equalFold(name, []byte("x-request-start")):
			return false, nil
		}
	case 16:
		switch {
		case equalFold(name, []byte("x-forwarded-port")), equalFold(name, []byte("x-forwarded-host")), equalFold(name, []byte("proxy-connection")):
			return false, nil
		}
	case 17:
		switch {
		case equalFold(name, []byte("transfer-encoding")):
			return false, q.takeEncoding(value)
		case equalFold(name, []byte("x-forwarded-proto")):
			return false, nil
		case equalFold(name, []byte("sec-websocket-key")):
			q.wsKey = true
		}
	case 18:
		if equalFold(name, []byte("proxy-authenticate")) {
			return false, nil
		}
	case 19:
		if equalFold(name, []byte("proxy-authorization")) {
			return false, nil
		}
	}
	// Names with underscores become the same variable as names with dashes in
	// many app servers: a way around every rule above.
	return bytes.IndexByte(name, '_') < 0, nil
}

func (q *request) takeHost(value []byte) *refusal {
	if q.hostSeen || !validHost(value) {
		return refuseHost
	}
	q.hostSeen = true
	if q.host != nil && !equalFold(q.host, value) {
		return refuseHost
	}
	q.host = value
	return nil
}

func (q *request) takeConnection(value []byte) {
	q.closing = q.closing || hasToken(value, tokenClose)
	q.keeping = q.keeping || hasToken(value, tokenKeep)
	q.upgrades = q.upgrades || hasToken(value, tokenUpgrade)
}

func (q *request) takeLength(value []byte) (bool, *refusal) {
	n, ok := parseLength(value)
	if !ok || q.length >= 0 && q.length != n {
		return false, refuseLength
	}
	q.length = n
	return false, nil
}

func (q *request) takeEncoding(value []byte) *refusal {
	if q.encoded {
		return refuseTransfer
	}
	q.encoded = true
	if equalFold(value, tokenChunked) {
		q.chunked = true
		return nil
	}
	if hasToken(value, tokenChunked) && bytes.IndexByte(value, ',') < 0 {
		return refuseTransfer
	}
	return refuseCoding
}

// validID is Heroku's rule for a client's own X-Request-Id.
func validID(id []byte) bool {
	if len(id) < 20 || len(id) > 200 {
		return false
	}
	for _, c := range id {
		if !alphanumeric(c) && c != '-' {
			return false
		}
	}
	return true
}
