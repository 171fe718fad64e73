package router

import (
	"bytes"
	"time"

	"github.com/kigo-dev/kigo"
)

// Session affinity (Heroku's http-session-affinity feature): a cookie names the
// dyno that a client was first given; it is asked as long as it is up.
const (
	affinityCookie = "heroku-session-affinity"
	affinityAge    = "86400"
)

// sticky is the dyno that the request's cookie names, when it may be asked.
func (x *exchange) sticky(v *view, now int64) *dyno {
	id := cookieValue(x.req.cookie, affinityCookie)
	if id == nil {
		return nil
	}
	d := v.all[kigo.DynoID(id)]
	if d == nil || !v.serves(d) || d.aside.Load() > now || contains(x.tried, d) {
		return nil
	}
	return d
}

// appendAffinity sets the cookie when the client has none, or one of another dyno.
func (x *exchange) appendAffinity(b []byte) []byte {
	if string(cookieValue(x.req.cookie, affinityCookie)) == string(x.dyno.ID) {
		return b
	}
	b = append(append(append(b, "Set-Cookie: "+affinityCookie+"="...), x.dyno.ID...), "; Version=1; Expires="...)
	b = x.began.Add(24*time.Hour).UTC().AppendFormat(b, "Mon, 02-Jan-2006 15:04:05 GMT")
	return append(b, "; Max-Age="+affinityAge+"; Path=/; HttpOnly\r\n"...)
}

// cookieValue finds one cookie in a Cookie header's value.
func cookieValue(header []byte, name string) []byte {
	for len(header) > 0 {
		var one []byte
		if i := bytes.IndexByte(header, ';'); i >= 0 {
			one, header = header[:i], header[i+1:]
		} else {
			one, header = header, nil
		}
		if one = trim(one); len(one) > len(name) && one[len(name)] == '=' && string(one[:len(name)]) == name {
			return one[len(name)+1:]
		}
	}
	return nil
}
