package api

import "io"

// currentStatus is what `heroku status` shows, at HEROKU_STATUS_HOST.
func currentStatus(*call) (reply, error) {
	type system struct {
		System string `json:"system"`
		Status string `json:"status"`
	}
	return ok(map[string]any{
		"status":    []system{{"Apps", "green"}, {"Data", "green"}, {"Tools", "green"}},
		"incidents": []any{},
		"scheduled": []any{},
	}), nil
}

// telemetrySink takes what the command line tells about its use, when it was told
// to send that here (HEROKU_ANALYTICS_URL), and forgets it.
func telemetrySink(c *call) (reply, error) {
	_, err := io.Copy(io.Discard, io.LimitReader(c.r.Body, maxBody))
	return ok(empty), err
}
