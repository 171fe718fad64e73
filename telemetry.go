package kigo

import (
	"regexp"
	"slices"
	"time"
)

// TelemetryDrain sends an app's signals to a consumer of OpenTelemetry.
type TelemetryDrain struct {
	ID        string
	App       AppID
	Signals   []string
	Exporter  Exporter
	Sent      time.Time // metrics before it were sent, or are given up
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Exporter says where signals go. Its headers hold credentials.
type Exporter struct {
	Type     string            `json:"type"`
	Endpoint string            `json:"endpoint"`
	Headers  map[string]string `json:"headers,omitempty"`
}

// Signals that can be sent, and the way there is.
const (
	SignalMetrics = "metrics"
	SignalLogs    = "logs"
	ExporterHTTP  = "otlphttp"
)

// MaxTelemetryDrains is how many an app may have.
const MaxTelemetryDrains = 5

// Sends reports whether a signal goes to the drain.
func (d TelemetryDrain) Sends(signal string) bool { return slices.Contains(d.Signals, signal) }

var headerName = regexp.MustCompile(`^[A-Za-z0-9\-_]{1,100}$`)

// Check says what cannot be. That the endpoint can be reached is for others to see.
func (d TelemetryDrain) Check() error {
	if len(d.Signals) == 0 {
		return Invalid("Signals is invalid: name metrics, logs or both.")
	}
	for i, s := range d.Signals {
		switch {
		case s == "traces":
			return Invalid("Signals is invalid: this platform makes no traces. Use --signals metrics,logs; your app can send its traces itself.")
		case s != SignalMetrics && s != SignalLogs:
			return Invalid("Signals is invalid: %.40q is none; name metrics, logs or both.", s)
		case slices.Contains(d.Signals[:i], s):
			return Invalid("Signals is invalid: %s is named twice.", s)
		}
	}
	if d.Exporter.Type != ExporterHTTP {
		return Invalid("Exporter is invalid: its type is %.40q, but only otlphttp is sent. Use --transport http.", d.Exporter.Type)
	}
	if len(d.Exporter.Headers) > 20 {
		return Invalid("Exporter is invalid: %d headers are too many, at most 20 are sent.", len(d.Exporter.Headers))
	}
	for name, v := range d.Exporter.Headers {
		if !headerName.MatchString(name) || len(v) > 1000 || slices.ContainsFunc([]byte(v), func(c byte) bool { return c < ' ' && c != '\t' || c == 0x7f }) {
			return Invalid("Exporter is invalid: the header %.40q or its value cannot be sent.", name)
		}
	}
	return nil
}
