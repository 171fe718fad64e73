package run

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

const maxRedirects = 5

// download fetches a URL into a file and returns the SHA-256 of what it got.
func download(ctx context.Context, url, file string, limit int64) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", fmt.Errorf("not a URL that can be fetched")
	}
	client := http.Client{Transport: &http.Transport{
		Proxy: http.ProxyFromEnvironment, TLSHandshakeTimeout: 20 * time.Second, ResponseHeaderTimeout: time.Minute,
	}}
	client.CheckRedirect = func(to *http.Request, via []*http.Request) error {
		switch {
		case len(via) > maxRedirects:
			return fmt.Errorf("it leads elsewhere more than %d times", maxRedirects)
		case to.URL.Scheme != "https" && via[0].URL.Scheme == "https":
			return fmt.Errorf("it leads from https to %s", to.URL.Redacted())
		}
		return nil
	}
	res, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return "", fmt.Errorf("the server answered %s", res.Status)
	}
	f, err := os.Create(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(f, h), io.LimitReader(res.Body, limit+1))
	if err != nil {
		return "", err
	}
	if n > limit {
		return "", fmt.Errorf("it is larger than %d MB", limit>>20)
	}
	return hex.EncodeToString(h.Sum(nil)), f.Close()
}
