package client

import "time"

// TelemetryDrain sends an app's signals to a consumer of OpenTelemetry. The values
// of its headers are not shown.
type TelemetryDrain struct {
	CreatedAt time.Time      `json:"created_at"`
	Exporter  Exporter       `json:"exporter"`
	ID        string         `json:"id"`
	Owner     TelemetryOwner `json:"owner"`
	Signals   []string       `json:"signals"`
	UpdatedAt time.Time      `json:"updated_at"`
}

// TelemetryOwner is the app of a drain.
type TelemetryOwner struct {
	ID   string `json:"id"`
	Type string `json:"type"`
}

// Exporter says where signals go.
type Exporter struct {
	Type     string            `json:"type"`
	Endpoint string            `json:"endpoint"`
	Headers  map[string]string `json:"headers"`
}
