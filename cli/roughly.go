package cli

import (
	"fmt"
	"time"
)

// longTime is a time as programs in JavaScript print it, which the official command line is.
func longTime(t time.Time) string {
	t = t.Local()
	zone, _ := t.Zone()
	if zone == "UTC" {
		zone = "Coordinated Universal Time"
	}
	return t.Format("Mon Jan 02 2006 15:04:05 GMT-0700") + " (" + zone + ")"
}

// day and month as roughly counts them.
const (
	day   = 24 * time.Hour
	month = 30 * day
)

// roughly is how long something is, in words: those of the library date-fns, which the
// official command line uses.
func roughly(d time.Duration) string {
	d = max(d, 0)
	minutes := int(d.Round(time.Minute) / time.Minute)
	days := int(d.Round(day) / day)
	months := int(d / month)
	switch {
	case d < 30*time.Second:
		return "less than a minute"
	case minutes < 45:
		return count("", minutes, "minute")
	case minutes < 90:
		return "about 1 hour"
	case minutes < 24*60:
		return count("about ", int(d.Round(time.Hour)/time.Hour), "hour")
	case minutes < 42*60:
		return "1 day"
	case d < month:
		return count("", days, "day")
	case d < 2*month:
		return count("about ", int(d.Round(month)/month), "month")
	case months < 12:
		return count("", int(d.Round(month)/month), "month")
	}
	years, rest := months/12, months%12
	switch {
	case rest < 3:
		return count("about ", years, "year")
	case rest < 9:
		return count("over ", years, "year")
	}
	return count("almost ", years+1, "year")
}

func count(about string, n int, unit string) string {
	if n != 1 {
		unit += "s"
	}
	return fmt.Sprintf("%s%d %s", about, n, unit)
}
