package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/google/uuid"
)

// Client talks to one server as the owner of one token. It is safe for
// concurrent use as long as nobody changes its fields.
type Client struct {
	URL        string       // such as "http://127.0.0.1:5000"
	Token      string       // API token; empty for a client that is not logged in
	HTTPClient *http.Client // nil: http.DefaultClient
	UserAgent  string       // empty: "kigo"
	OnWarning  func(string) // told the server's X-Heroku-Warning; may be nil

	// OnAnswer is told each answer that is not a refusal, a list as a whole; may be nil.
	OnAnswer func(method string, body []byte)
}

// maxBody bounds an answer that is not a stream.
const maxBody = 64 << 20

// New returns a client for the server at url.
func New(url, token string) *Client { return &Client{URL: url, Token: token} }

// request is one call of the API.
type request struct {
	method, path string
	body         any    // encoded as JSON unless nil
	list         string // Range header; empty: none
	accept       string // variant of version 3, such as "sdk"; usually empty
	user, pass   string // Basic credentials instead of the token
	code         string // of a second factor; empty: none
	quiet        bool   // OnAnswer is not told: this is a page of a list
}

// Do sends one request with body as JSON and decodes the answer into out; both
// may be nil. It is for requests that have no method of their own.
func (c *Client) Do(ctx context.Context, method, path string, body, out any) error {
	_, err := c.call(ctx, request{method: method, path: path, body: body}, out)
	return err
}

// call sends r, decodes a success into out and turns a refusal into *Error.
func (c *Client) call(ctx context.Context, r request, out any) (http.Header, error) {
	resp, err := c.send(ctx, r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	if err != nil {
		return nil, fmt.Errorf("read answer to %s %s: %w", r.method, r.path, err)
	}
	if w := resp.Header.Get("X-Heroku-Warning"); w != "" && c.OnWarning != nil {
		c.OnWarning(w)
	}
	if resp.StatusCode >= 300 {
		return nil, decodeError(resp, data)
	}
	if c.OnAnswer != nil && !r.quiet {
		c.OnAnswer(r.method, data)
	}
	if out == nil || len(bytes.TrimSpace(data)) == 0 {
		return resp.Header, nil
	}
	if err := json.Unmarshal(data, out); err != nil {
		return nil, fmt.Errorf("decode answer to %s %s: %w", r.method, r.path, err)
	}
	return resp.Header, nil
}

func (c *Client) send(ctx context.Context, r request) (*http.Response, error) {
	var body io.Reader
	if r.body != nil {
		b, err := json.Marshal(r.body)
		if err != nil {
			return nil, fmt.Errorf("encode %s %s: %w", r.method, r.path, err)
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, strings.TrimRight(c.URL, "/")+r.path, body)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	c.headers(req, r)
	resp, err := c.http().Do(req)
	if err != nil {
		return nil, fmt.Errorf("reach %s: %w", c.URL, err)
	}
	return resp, nil
}

func (c *Client) headers(req *http.Request, r request) {
	version := "3"
	if r.accept != "" {
		version += "." + r.accept
	}
	req.Header.Set("Accept", mime.FormatMediaType("application/vnd.heroku+json", map[string]string{"version": version}))
	req.Header.Set("User-Agent", c.agent())
	req.Header.Set("Request-Id", uuid.NewString())
	if r.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if r.list != "" {
		req.Header.Set("Range", r.list)
	}
	switch {
	case r.user != "" || r.pass != "":
		req.SetBasicAuth(r.user, r.pass)
		if r.code != "" {
			req.Header.Set("Heroku-Two-Factor-Code", r.code)
		}
	case c.Token != "":
		req.Header.Set("Authorization", "Bearer "+c.Token)
	}
}

func (c *Client) http() *http.Client {
	if c.HTTPClient != nil {
		return c.HTTPClient
	}
	return http.DefaultClient
}

func (c *Client) agent() string {
	if c.UserAgent != "" {
		return c.UserAgent
	}
	return "kigo"
}

// Path joins segments into a URL path for Do, escaping each.
func Path(segments ...string) string { return path(segments...) }

// path joins segments into a URL path, escaping each.
func path(segments ...string) string {
	var b strings.Builder
	for _, s := range segments {
		b.WriteByte('/')
		b.WriteString(url.PathEscape(s))
	}
	return b.String()
}

// get, post, patch and remove are the four verbs with a decoded answer.
func get[T any](ctx context.Context, c *Client, p string) (T, error) {
	return send[T](ctx, c, request{method: http.MethodGet, path: p})
}

func post[T any](ctx context.Context, c *Client, p string, body any) (T, error) {
	return send[T](ctx, c, request{method: http.MethodPost, path: p, body: body})
}

func patch[T any](ctx context.Context, c *Client, p string, body any) (T, error) {
	return send[T](ctx, c, request{method: http.MethodPatch, path: p, body: body})
}

func remove[T any](ctx context.Context, c *Client, p string) (T, error) {
	return send[T](ctx, c, request{method: http.MethodDelete, path: p})
}

func send[T any](ctx context.Context, c *Client, r request) (T, error) {
	var out T
	_, err := c.call(ctx, r, &out)
	return out, err
}
