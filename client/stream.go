package client

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// NewLogSession narrows a log: Dyno is "web.1" or a type such as "web".
type NewLogSession struct {
	Dyno   string `json:"dyno,omitempty"`
	Lines  int    `json:"lines,omitempty"`
	Source string `json:"source,omitempty"`
	Tail   bool   `json:"tail"`
}

// CreateLogSession returns a capability to read an app's log.
func (c *Client) CreateLogSession(ctx context.Context, app string, n NewLogSession) (LogSession, error) {
	return post[LogSession](ctx, c, path("apps", app, "log-sessions"), n)
}

// StreamOutput copies the output of a build or a release phase to w until its
// end. The address is an output_stream_url; no token is sent to it.
func (c *Client) StreamOutput(ctx context.Context, w io.Writer, streamURL string) error {
	resp, err := c.open(ctx, streamURL, "text/plain", "")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(w, resp.Body); err != nil {
		return fmt.Errorf("read output: %w", err)
	}
	return nil
}

// FollowLog calls line for each line of a log session until the session ends or
// line returns an error. last is the id after which to resume, empty at first;
// the id of the last line told is returned so that the caller may go on from it.
func (c *Client) FollowLog(ctx context.Context, s LogSession, last string, line func(string) error) (string, error) {
	resp, err := c.open(ctx, s.LogplexURL, "text/event-stream", last)
	if err != nil {
		return last, err
	}
	defer resp.Body.Close()
	return readEvents(resp.Body, last, line)
}

// readEvents parses Server-Sent Events of the fields id and data.
func readEvents(r io.Reader, last string, line func(string) error) (string, error) {
	in := bufio.NewScanner(r)
	in.Buffer(nil, 1<<20)
	id, data := last, []string{}
	for in.Scan() {
		field, value, _ := strings.Cut(in.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case in.Text() == "":
			for _, d := range data {
				if err := line(d); err != nil {
					return last, err
				}
			}
			last, data = id, data[:0]
		case field == "id":
			id = value
		case field == "data":
			data = append(data, value)
		}
	}
	if err := in.Err(); err != nil {
		return last, fmt.Errorf("read log: %w", err)
	}
	return last, nil
}

// open gets a capability address, which needs no token.
func (c *Client) open(ctx context.Context, url, accept, last string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	req.Header.Set("Accept", accept)
	req.Header.Set("User-Agent", c.agent())
	if last != "" {
		req.Header.Set("Last-Event-ID", last)
	}
	resp, err := c.http().Do(req)
	if err != nil {
		return nil, fmt.Errorf("open stream: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		defer resp.Body.Close()
		data, _ := io.ReadAll(io.LimitReader(resp.Body, maxBody))
		return nil, decodeError(resp, data)
	}
	return resp, nil
}
