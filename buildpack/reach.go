package buildpack

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"
)

// reachLimit is how long a registry may take to answer at all: one that is out of
// reach is told within a minute, before a package manager tries for many.
const reachLimit = 20 * time.Second

// Reach asks a registry for anything at all, once more when the connection fails. Its
// error is one line that names the registry, without a password of its URL.
func Reach(ctx context.Context, what, address string) error {
	return reach(ctx, what, address, reachLimit)
}

func reach(ctx context.Context, what, address string, limit time.Duration) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return Failf("The address of %s is not a URL.", what)
	}
	client := http.Client{Timeout: limit, Transport: &http.Transport{
		Proxy: http.ProxyFromEnvironment, DialContext: (&net.Dialer{Timeout: limit / 2}).DialContext, DisableKeepAlives: true,
	}}
	for range 2 {
		var req *http.Request
		if req, err = http.NewRequestWithContext(ctx, http.MethodHead, address, nil); err != nil {
			break
		}
		var res *http.Response
		if res, err = client.Do(req); err == nil {
			res.Body.Close()
			if res.StatusCode < 500 {
				return nil
			}
			err = fmt.Errorf("it answered %s", res.Status)
		}
		if errors.Is(err, context.DeadlineExceeded) {
			break
		}
	}
	return Failf("%s cannot be reached at %s: %s", what, u.Redacted(), plain(err))
}

// plain is an error of a request without the URL that it repeats.
func plain(err error) error {
	if u, ok := err.(*url.Error); ok { //nolint:errorlint // Do returns it as it is
		return u.Err
	}
	return err
}
