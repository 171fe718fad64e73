package logplex

import (
	"time"

	"github.com/kigo-dev/kigo"
)

// How an app's rate is measured.
const (
	lineCost  = 64              // what a line costs beside its bytes
	burstFor  = 2 * time.Second // how long an app may write nothing and then all at once
	tellAfter = time.Second     // lines shed in this time are told in one line
)

// shedOrigin keeps the count of lines that nobody was told of yet among the
// positions of writers, so that it reaches the disk together with them.
const shedOrigin = ""

// meter is what an app may still write: bytes that fill up with time.
type meter struct {
	left  float64
	at    time.Time
	since time.Time // of the first line shed that nobody was told of; zero: none
}

// admit returns the lines that the app's rate allows, and counts the others. What
// the platform itself says is always allowed. The caller holds s.
func (h *Hub) admit(s *stream, lines []kigo.LogLine) []kigo.LogLine {
	if h.Rate <= 0 {
		return lines
	}
	now, full := time.Now(), float64(h.Rate)*burstFor.Seconds()
	m := &s.meter
	if m.at.IsZero() {
		m.left = full
	} else if passed := now.Sub(m.at); passed > 0 {
		m.left = min(full, m.left+float64(h.Rate)*passed.Seconds())
	}
	m.at = now
	cost := 0
	for i := range lines {
		cost += lineCost + len(lines[i].Message)
	}
	if m.left >= float64(cost) {
		m.left -= float64(cost)
		return lines
	}
	allowed := make([]kigo.LogLine, 0, len(lines))
	shed := 0
	for i := range lines {
		cost := float64(lineCost + len(lines[i].Message))
		switch {
		case m.left >= cost:
			m.left -= cost
			allowed = append(allowed, lines[i])
		case exempt(&lines[i]):
			allowed = append(allowed, lines[i])
		default:
			split(lines[i].Message, func(string) { shed++ })
		}
	}
	h.shed(s, shed, now)
	return allowed
}

// exempt are lines of the platform about the app, such as those of lines that were lost; its
// requests and its output are not.
func exempt(l *kigo.LogLine) bool {
	return l.Source == "heroku" && l.Process != "router" || l.Source == "app" && (l.Process == "api" || l.Process == kigo.LogShuttle)
}

// shed counts lines and has them told soon.
func (h *Hub) shed(s *stream, n int, now time.Time) {
	if n == 0 {
		return
	}
	if s.origins == nil {
		s.origins = map[string]uint64{}
	}
	s.origins[shedOrigin] += uint64(n)
	s.changed = true
	if s.meter.since.IsZero() {
		h.tellSoon(s, now)
	}
}

func (h *Hub) tellSoon(s *stream, since time.Time) {
	s.meter.since = since
	app := s.app
	time.AfterFunc(tellAfter, func() { h.tellShed(app) })
}

// tellShed writes the line that stands for those that were shed (L12).
func (h *Hub) tellShed(app kigo.AppID) {
	s := h.lock(app)
	if s == nil {
		return
	}
	n, since := s.origins[shedOrigin], s.meter.since
	if n == 0 {
		s.mu.Unlock()
		return
	}
	s.origins[shedOrigin] = 0
	s.changed = true
	s.meter.since = time.Time{}
	line := kigo.LostLine(n, since)
	line.Time = time.Time{} // of the stream
	s.write([]kigo.LogLine{line})
	h.unlockDirty(s)
}
