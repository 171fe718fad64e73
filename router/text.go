package router

import "bytes"

// Classes of bytes in HTTP's grammar.
const (
	classToken = 1 << iota // may be in a method or a header's name
	classValue             // may be in a header's value
	classHost              // may be in a host name, an address or a port
)

var classes = func() (t [256]byte) {
	for c := 0; c < 256; c++ {
		if c == '\t' || c >= ' ' && c != 0x7f {
			t[c] |= classValue
		}
		if alphanumeric(byte(c)) || bytes.IndexByte([]byte("!#$%&'*+-.^_`|~"), byte(c)) >= 0 {
			t[c] |= classToken
		}
		if alphanumeric(byte(c)) || bytes.IndexByte([]byte("-._:[]"), byte(c)) >= 0 {
			t[c] |= classHost
		}
	}
	return t
}()

func digit(c byte) bool { return c >= '0' && c <= '9' }

func alphanumeric(c byte) bool {
	return digit(c) || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func all(s []byte, class byte) bool {
	for _, c := range s {
		if classes[c]&class == 0 {
			return false
		}
	}
	return true
}

func isToken(s []byte) bool { return len(s) > 0 && all(s, classToken) }

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// equalFold compares ASCII without case.
func equalFold(a, b []byte) bool {
	if len(a) != len(b) {
		return false
	}
	for i, c := range a {
		if c != b[i] && lower(c) != lower(b[i]) {
			return false
		}
	}
	return true
}

// hasToken looks for a token in a comma-separated list.
func hasToken(list, token []byte) bool {
	for len(list) > 0 {
		item := list
		if i := bytes.IndexByte(list, ','); i >= 0 {
			item, list = list[:i], list[i+1:]
		} else {
			list = nil
		}
		if equalFold(trim(item), token) {
			return true
		}
	}
	return false
}

// trim removes blanks and tabs at both ends.
func trim(s []byte) []byte {
	for len(s) > 0 && (s[0] == ' ' || s[0] == '\t') {
		s = s[1:]
	}
	for len(s) > 0 && (s[len(s)-1] == ' ' || s[len(s)-1] == '\t') {
		s = s[:len(s)-1]
	}
	return s
}

// cutHeader splits one line, with its line end, into name and value.
func cutHeader(line []byte) (name, value []byte, ok bool) {
	end := len(line) - 2
	if end < 0 || line[end] != '\r' {
		return nil, nil, false
	}
	colon := bytes.IndexByte(line, ':')
	if colon <= 0 || !all(line[:colon], classToken) {
		return nil, nil, false
	}
	value = trim(line[colon+1 : end])
	return line[:colon], value, all(value, classValue)
}

// parseLength reads digits and nothing else.
func parseLength(s []byte) (int64, bool) {
	if len(s) == 0 || len(s) > 18 {
		return 0, false
	}
	n := int64(0)
	for _, c := range s {
		if !digit(c) {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}

func unhex(c byte) int {
	switch {
	case digit(c):
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// validHost accepts a host name or an address in brackets, with or without a port.
func validHost(h []byte) bool {
	if len(h) == 0 || len(h) > 262 || !all(h, classHost) {
		return false
	}
	name := hostName(h)
	if len(name) == 0 {
		return false
	}
	if h[0] == '[' {
		return name[len(name)-1] == ']' && bytes.IndexByte(name[1:], '[') < 0 && validPort(h[len(name):])
	}
	return bytes.IndexByte(name, ':') < 0 && !bytes.ContainsAny(name, "[]") && validPort(h[len(name):])
}

func validPort(p []byte) bool {
	if len(p) == 0 {
		return true
	}
	_, ok := parseLength(p[1:])
	return p[0] == ':' && len(p) <= 6 && (ok || len(p) == 1)
}

// hostName is a host without its port.
func hostName(h []byte) []byte {
	if h[0] == '[' {
		return h[:bytes.IndexByte(h, ']')+1]
	}
	if i := bytes.LastIndexByte(h, ':'); i >= 0 {
		return h[:i]
	}
	return h
}

// canonicalHost writes the name that tables are keyed by into dst: lower case,
// without port and without one trailing dot.
func canonicalHost(dst, host []byte) []byte {
	name := hostName(host)
	if n := len(name); n > 1 && name[n-1] == '.' {
		name = name[:n-1]
	}
	dst = dst[:0]
	for _, c := range name {
		dst = append(dst, lower(c))
	}
	return dst
}
