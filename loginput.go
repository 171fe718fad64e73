package kigo

import "time"

// LogInput lets somebody outside, such as an add-on's provider, write lines into
// an app's log. Its token is shown once, when it is made.
type LogInput struct {
	ID        string
	App       AppID
	Name      string // also the process that lines name when they name none
	CreatedAt time.Time
}

// MaxLogInputs is how many inputs an app may have.
const MaxLogInputs = 20

// LogRetention says how much of an app's log is kept. What any bound excludes goes.
type LogRetention struct {
	Lines int
	Bytes int64         // of the messages
	Age   time.Duration // 0: however old
}

// DefaultRetention is what an app has that nobody has asked for more or less
// (Heroku's history).
var DefaultRetention = LogRetention{Lines: 1500, Bytes: 16 << 20}

// Bounds of what may be asked for.
const (
	MaxRetainedLines = 100_000
	MinRetainedBytes = 64 << 10
	MaxRetainedBytes = 32 << 20
	MinRetainedAge   = time.Minute
	MaxRetainedAge   = 30 * 24 * time.Hour
)

// Check says what cannot be, or nil.
func (r LogRetention) Check() error {
	switch {
	case r.Lines < 1 || r.Lines > MaxRetainedLines:
		return Invalid("lines is %d: between 1 and %d can be kept.", r.Lines, MaxRetainedLines)
	case r.Bytes < MinRetainedBytes || r.Bytes > MaxRetainedBytes:
		return Invalid("bytes is %d: between %d and %d can be kept.", r.Bytes, MinRetainedBytes, MaxRetainedBytes)
	case r.Age != 0 && (r.Age < MinRetainedAge || r.Age > MaxRetainedAge):
		return Invalid("age is %d seconds: lines can be kept for %.0f to %.0f seconds, or 0 for however long.", int(r.Age.Seconds()), MinRetainedAge.Seconds(), MaxRetainedAge.Seconds())
	}
	return nil
}
