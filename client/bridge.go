package client

import (
	"crypto/subtle"
	"encoding/json"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
)

// Bridge lets programs of this machine use a server as the client's owner without
// having the token: who shows Key is let through, with the token in Key's place.
// It is for a listener on loopback; a browser that was led here by another site's
// name is refused, as is everything that does not show Key.
type Bridge struct {
	Client *Client
	Key    string

	proxy *httputil.ReverseProxy
}

// NewBridge makes a bridge to the client's server.
func NewBridge(c *Client, key string, errors *log.Logger) (*Bridge, error) {
	target, err := url.Parse(c.URL)
	if err != nil {
		return nil, err
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target) // and its Host: the server's answers name where it is
			r.Out.Header.Set("Authorization", "Bearer "+c.Token)
		},
		Transport:     c.http().Transport,
		FlushInterval: -1, // logs and output of builds are seen as they come
		ErrorLog:      errors,
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			refuse(w, http.StatusBadGateway, "bad_gateway", "The server at "+c.URL+" cannot be reached: "+err.Error())
		},
	}
	return &Bridge{Client: c, Key: key, proxy: proxy}, nil
}

// ServeHTTP passes a request on.
func (b *Bridge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	host := (&url.URL{Host: r.Host}).Hostname()
	switch {
	case !slices.Contains([]string{"localhost", "127.0.0.1", "::1"}, host):
		refuse(w, http.StatusForbidden, "forbidden", "This bridge answers to localhost alone, not to "+host+".")
	case !b.shows(r):
		refuse(w, http.StatusUnauthorized, "unauthorized", "This bridge wants the key that `kigo connect` has given to its command, in HEROKU_API_KEY.")
	default:
		b.proxy.ServeHTTP(w, r)
	}
}

// shows reports whether a request has the key, in one of the ways of Heroku's clients.
func (b *Bridge) shows(r *http.Request) bool {
	given, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if _, password, basic := r.BasicAuth(); !bearer && basic {
		given = password
	}
	return subtle.ConstantTimeCompare([]byte(given), []byte(b.Key)) == 1
}

func refuse(w http.ResponseWriter, status int, id, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"id": id, "message": message})
}
