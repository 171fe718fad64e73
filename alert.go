package kigo

import (
	"net/mail"
	"slices"
	"strings"
	"time"
)

// Alert tells somebody when a metric of an app is above a threshold, and when it
// no longer is.
type Alert struct {
	ID        string
	App       AppID
	Name      string
	Rule      AlertRule
	Target    AlertTarget
	State     AlertState
	CreatedAt time.Time
	UpdatedAt time.Time
}

// MaxAlerts is how many alerts an app may have.
const MaxAlerts = 20

// Metrics that alerts watch, minute by minute.
const (
	AlertResponseTime = "response-time"   // 95th percentile of service time, milliseconds
	AlertFailed       = "failed-requests" // answers of 5xx, percent of all
	AlertMemory       = "memory"          // of the dyno that uses most, percent of its quota
	AlertRestarts     = "restarts"        // of dynos, within For
)

// AlertMetrics are all of them, with their units.
var AlertMetrics = map[string]string{AlertResponseTime: "ms", AlertFailed: "%", AlertMemory: "%", AlertRestarts: "restarts"}

// AlertRule says when.
type AlertRule struct {
	Metric  string        `json:"metric"`
	Process string        `json:"process,omitempty"` // of memory and restarts; empty: the worst of all, or all together
	Above   float64       `json:"above"`
	Clear   float64       `json:"clear"`            // at or below it for For: over
	For     time.Duration `json:"for"`              // how long it must last
	Remind  time.Duration `json:"remind,omitempty"` // how often to say that it still lasts; 0: never
}

// AlertTarget says whom to tell. It holds credentials.
type AlertTarget struct {
	Emails  []string `json:"emails,omitempty"`
	Webhook string   `json:"webhook,omitempty"`
	Secret  string   `json:"secret,omitempty"` // signs what the webhook gets
}

// AlertState is where an alert stands. Only the alert loop writes it.
type AlertState struct {
	Firing bool      `json:"firing,omitempty"`
	Since  time.Time `json:"since,omitzero"` // when it began to fire
	Above  time.Time `json:"above,omitzero"` // not firing: since when it is above
	Calm   time.Time `json:"calm,omitzero"`  // firing: since when it is calm
	Told   time.Time `json:"told,omitzero"`  // the last notice of this firing
	Seen   time.Time `json:"seen,omitzero"`  // the last observation
	Value  float64   `json:"value"`
	Known  bool      `json:"known"` // whether there was a value
	Outbox []Notice  `json:"outbox,omitempty"`
	Failed string    `json:"failed,omitempty"` // why the last notice could not be delivered
}

// Notice is one message of an alert, kept until everybody has it.
type Notice struct {
	ID      string    `json:"id"`
	Kind    string    `json:"kind"` // fired, reminder or resolved
	At      time.Time `json:"at"`
	Since   time.Time `json:"since"`
	Value   float64   `json:"value"`
	Tries   int       `json:"tries,omitempty"`
	Next    time.Time `json:"next,omitzero"`
	Mailed  bool      `json:"mailed,omitempty"`
	Called  bool      `json:"called,omitempty"`
	Dropped int       `json:"dropped,omitempty"` // notices before it that nobody got
}

// Kinds of notices.
const (
	NoticeFired    = "fired"
	NoticeReminder = "reminder"
	NoticeResolved = "resolved"
)

// Check fills in what is left out and says what cannot be.
func (r *AlertRule) Check() error {
	unit, known := AlertMetrics[r.Metric]
	if !known {
		return Invalid("metric %q cannot be watched: say response-time, failed-requests, memory or restarts.", r.Metric)
	}
	if r.For == 0 {
		r.For = 5 * time.Minute
	}
	if r.Clear == 0 {
		r.Clear = r.Above * 0.9
	}
	switch {
	case r.Above <= 0 || r.Above > 1e9:
		return Invalid("above is %g: it must be a positive number of %s.", r.Above, unit)
	case r.Clear < 0 || r.Clear > r.Above:
		return Invalid("clear is %g: it must be at most above, %g, and not negative.", r.Clear, r.Above)
	case r.For < time.Minute || r.For > 24*time.Hour:
		return Invalid("for is %s: it must be between 1m and 24h.", r.For)
	case r.Remind != 0 && (r.Remind < 5*time.Minute || r.Remind > 7*24*time.Hour):
		return Invalid("remind is %s: it must be between 5m and 168h, or 0 for never.", r.Remind)
	case r.Process != "" && r.Metric != AlertMemory && r.Metric != AlertRestarts:
		return Invalid("process %q: requests are watched for the app as a whole; leave it out.", r.Process)
	}
	return nil
}

// Check says what cannot be. That addresses can be reached is for others to see.
func (t AlertTarget) Check() error {
	if len(t.Emails) == 0 && t.Webhook == "" {
		return Invalid("Nobody would be told: name an e-mail address, a webhook or both.")
	}
	if len(t.Emails) > 10 {
		return Invalid("%d e-mail addresses are too many: at most 10 can be told.", len(t.Emails))
	}
	for i, e := range t.Emails {
		a, err := mail.ParseAddress(e)
		if err != nil || a.Address != e || strings.ContainsAny(e, "\r\n") || slices.Contains(t.Emails[:i], e) {
			return Invalid("%.80q is not one e-mail address, or named twice.", e)
		}
	}
	return nil
}
