package api

import (
	"io"

	"github.com/kigo-dev/kigo/client"
)

// currentStatus is what `heroku status` shows, at HEROKU_STATUS_HOST.
func currentStatus(*call) (reply, error) {
	return ok(client.PlatformStatus{
		Status:    []client.SystemStatus{{System: "Apps", Status: "green"}, {System: "Data", Status: "green"}, {System: "Tools", Status: "green"}},
		Incidents: []client.Incident{}, Scheduled: []client.Incident{},
	}), nil
}

// telemetrySink takes what the command line tells about its use, when it was told
// to send that here (HEROKU_ANALYTICS_URL), and forgets it.
func telemetrySink(c *call) (reply, error) {
	_, err := io.Copy(io.Discard, io.LimitReader(c.r.Body, maxBody))
	return ok(empty), err
}
