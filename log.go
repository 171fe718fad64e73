package kigo

import (
	"fmt"
	"strings"
	"time"
)

// LogLine is one line of an app's merged stream.
type LogLine struct {
	Time    time.Time
	Source  string // "app" or "heroku"
	Process string // "web.1", "router", "api", "run.1234"
	Message string // no line end; at most MaxLogLine bytes
}

// MaxLogLine is where longer lines are split (Heroku's documentation of limits).
const MaxLogLine = 10_000

// LogTime is the layout of a line's time stamp, always in UTC.
const LogTime = "2006-01-02T15:04:05.000000-07:00"

// LogShuttle is the process that tells of lines which were lost before the stream had them.
const LogShuttle = "log-shuttle"

// LostLine stands for n lines that were lost since then, before the stream had them (L12).
func LostLine(n uint64, since time.Time) LogLine {
	return LogLine{Time: since, Source: "app", Process: LogShuttle,
		Message: fmt.Sprintf("Error L12: %d messages dropped since %s.", n, since.UTC().Format(LogTime))}
}

// String is the line as `heroku logs` shows it.
func (l LogLine) String() string {
	var b strings.Builder
	b.Grow(len(l.Message) + len(l.Source) + len(l.Process) + 40)
	b.WriteString(l.Time.UTC().Format(LogTime))
	b.WriteByte(' ')
	b.WriteString(l.Source)
	b.WriteByte('[')
	b.WriteString(l.Process)
	b.WriteString("]: ")
	b.WriteString(l.Message)
	return b.String()
}
