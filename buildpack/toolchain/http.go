package toolchain

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"
)

// client gives up on an address that does not answer early enough that a build
// can say so within a minute.
var client = &http.Client{Transport: &http.Transport{
	Proxy:                 http.ProxyFromEnvironment,
	DialContext:           (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
	TLSHandshakeTimeout:   10 * time.Second,
	ResponseHeaderTimeout: 20 * time.Second,
	ForceAttemptHTTP2:     true,
	MaxIdleConnsPerHost:   4,
}}

// statusError is an answer other than 200.
type statusError struct {
	url  string
	code int
}

func (e *statusError) Error() string {
	return fmt.Sprintf("%s answered %d %s", e.url, e.code, http.StatusText(e.code))
}

// open requests a URL, trying once more when the connection fails or the server does.
func open(ctx context.Context, url, accept string) (io.ReadCloser, error) {
	var last error
	for try := range 2 {
		if try > 0 {
			select {
			case <-ctx.Done():
				return nil, ctx.Err()
			case <-time.After(time.Second):
			}
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return nil, fmt.Errorf("request %s: %w", url, err)
		}
		if accept != "" {
			req.Header.Set("Accept", accept)
		}
		res, err := client.Do(req)
		if err != nil {
			last = err
			continue
		}
		if res.StatusCode == http.StatusOK {
			return res.Body, nil
		}
		res.Body.Close()
		last = &statusError{url, res.StatusCode}
		if res.StatusCode < 500 {
			break
		}
	}
	return nil, last
}

// get reads a small answer whole.
func get(ctx context.Context, url, accept string) ([]byte, error) {
	body, err := open(ctx, url, accept)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	b, err := io.ReadAll(io.LimitReader(body, 64<<20))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", url, err)
	}
	return b, nil
}

// save fetches a URL into a file, passing every byte through sum as well.
func save(ctx context.Context, url, file string, sum io.Writer) error {
	body, err := open(ctx, url, "")
	if err != nil {
		return err
	}
	defer body.Close()
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	if _, err := io.Copy(io.MultiWriter(f, sum), io.LimitReader(body, 1<<30)); err != nil {
		f.Close()
		return fmt.Errorf("fetch %s: %w", url, err)
	}
	return f.Close()
}
