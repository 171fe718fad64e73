package python

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/Masterminds/semver/v3"

	"github.com/kigo-dev/kigo/buildpack"
)

// publicIndex is where packages come from unless the operator or the app says
// otherwise.
const publicIndex = "https://pypi.org/simple"

// index is the app's or the operator's package index.
func (a *app) index() string {
	if v := buildpack.GetEnv(a.env, "PIP_INDEX_URL"); v != "" {
		return strings.TrimSuffix(v, "/")
	}
	return publicIndex
}

// shownIndex is the index without a password.
func (a *app) shownIndex() string {
	u, err := url.Parse(a.index())
	if err != nil {
		return "the package index"
	}
	return u.Redacted()
}

// wheel is pip as a file.
type wheel struct{ file, version string }

// anchor is a link of a package's page in an index (PEP 503).
var anchor = regexp.MustCompile(`href="([^"]*/)?(pip-([0-9.]+)-py3-none-any\.whl)(?:#sha256=([0-9a-f]{64}))?"`)

// pipLimit is how long an index may take: one that is out of reach is told within
// a minute.
const pipLimit = 50 * time.Second

// fetchPip gets the newest pip of an index into dir and checks its digest, when
// the index tells it.
func fetchPip(ctx context.Context, index, dir string) (w wheel, err error) {
	ctx, cancel := context.WithTimeout(ctx, pipLimit)
	defer cancel()
	page := index + "/pip/"
	text, err := get(ctx, page, 16<<20)
	if err != nil {
		return w, err
	}
	var newest *semver.Version
	var link, name, sum string
	for _, m := range anchor.FindAllStringSubmatch(string(text), -1) {
		v, err := semver.NewVersion(m[3])
		if err == nil && (newest == nil || v.GreaterThan(newest)) {
			newest, link, name, sum = v, m[1]+m[2], m[2], m[4]
		}
	}
	if newest == nil {
		return w, errors.New("the index has no pip")
	}
	base, err := url.Parse(page)
	if err != nil {
		return w, err
	}
	at, err := base.Parse(link)
	if err != nil {
		return w, err
	}
	data, err := get(ctx, at.String(), 64<<20)
	if err != nil {
		return w, err
	}
	if got := sha256.Sum256(data); sum != "" && hex.EncodeToString(got[:]) != sum {
		return w, fmt.Errorf("%s has the SHA-256 %x, not %s as the index says", path.Base(name), got, sum)
	}
	w = wheel{file: filepath.Join(dir, name), version: newest.Original()}
	return w, os.WriteFile(w.file, data, 0o644)
}

var client = &http.Client{Transport: &http.Transport{
	Proxy: http.ProxyFromEnvironment, DialContext: (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
	TLSHandshakeTimeout: 10 * time.Second, ResponseHeaderTimeout: 20 * time.Second,
}}

// get reads a URL whole. What it says of a failure holds no password of the URL's.
func get(ctx context.Context, url string, limit int64) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	res, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the server answered %s", res.Status)
	}
	data, err := io.ReadAll(io.LimitReader(res.Body, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = errors.New("the answer is too large")
	}
	return data, err
}
