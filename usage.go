package kigo

import "time"

// Usage is how long an app's dynos of one type and size were up in a month.
type Usage struct {
	App     AppID
	AppName string // as it was called last
	Month   string // "2026-11", in UTC
	Type    string
	Size    string
	Used    time.Duration
}

// Month is the name of a moment's month in Usage.
func Month(t time.Time) string { return t.UTC().Format("2006-01") }
