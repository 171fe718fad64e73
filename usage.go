package kigo

import "time"

// Usage is how long an app's dynos of one type and size were up in a month or on a day.
type Usage struct {
	App     AppID
	AppName string // as it was called last
	Period  string // a month ("2026-11") or a day ("2026-11-22"), in UTC
	Type    string
	Size    string
	Used    time.Duration
}

// Month is a moment's month as a Period, Day its day.
func Month(t time.Time) string { return t.UTC().Format("2006-01") }

// Day is described at Month.
func Day(t time.Time) string { return t.UTC().Format(time.DateOnly) }
