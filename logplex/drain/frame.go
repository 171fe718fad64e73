package drain

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strconv"
	"time"

	"github.com/kigo-dev/kigo"
)

// Sizes of a frame.
const (
	frameLines = 4000
	frameBytes = 512 << 10 // of messages; receivers often take no more than a megabyte
	buffer     = 1024      // messages that wait while a receiver fails (Logplex's)
)

// frame is what is sent at once, and again until it is taken.
type frame struct {
	ID    string // Logplex-Frame-Id
	Count int    // messages
	Told  int    // lines that its first message says were lost; 0: it says nothing of the kind
	Body  []byte
}

// lines is how many lines it stands for, those included that it tells were lost.
func (f *frame) lines() int {
	if f.Told > 0 {
		return f.Count - 1 + f.Told
	}
	return f.Count
}

// timeLayout is RFC 5424's, in UTC.
const timeLayout = "2006-01-02T15:04:05.000000-07:00"

// newFrame writes lines as Logplex does: "LENGTH <PRI>1 TIME HOST SOURCE PROCESS - TEXT"
// without a separator between messages, and without the structured data of RFC 5424.
// lost lines are told first. The body is made in the memory of spare, if that is enough.
func newFrame(host string, lines []kigo.LogLine, lost loss, spare []byte) *frame {
	f := &frame{ID: newFrameID(), Count: len(lines)}
	f.Body = spare[:0]
	var w headWriter
	if lost.N > 0 {
		f.Count++
		f.Told = lost.N
		told := lost.line()
		f.add(&w, host, &told)
	}
	for i := range lines {
		f.add(&w, host, &lines[i])
	}
	return f
}

// loss counts lines that were not sent.
type loss struct {
	N     int
	Since time.Time
}

// line tells of them.
func (l loss) line() kigo.LogLine {
	return kigo.LogLine{Time: time.Now(), Source: "heroku", Process: "logplex", Message: l.String()}
}

// String is Logplex's L10.
func (l loss) String() string {
	return fmt.Sprintf("Error L10 (output buffer overflow): %d messages dropped since %s.", l.N, l.Since.UTC().Format(timeLayout))
}

// headWriter makes the heads of messages: lines that come together mostly have
// the same.
type headWriter struct {
	at              time.Time
	source, process string
	head            []byte
}

func (w *headWriter) of(host string, l *kigo.LogLine) []byte {
	if len(w.head) > 0 && w.at.Equal(l.Time) && w.source == l.Source && w.process == l.Process {
		return w.head
	}
	w.at, w.source, w.process = l.Time, l.Source, l.Process
	b := append(w.head[:0], '<')
	b = strconv.AppendInt(b, int64(priority(l)), 10)
	b = append(b, ">1 "...)
	b = l.Time.UTC().AppendFormat(b, timeLayout)
	b = append(append(b, ' '), host...)
	b = append(appendName(append(b, ' '), l.Source), ' ')
	w.head = append(appendName(b, l.Process), " - "...)
	return w.head
}

func (f *frame) add(w *headWriter, host string, l *kigo.LogLine) {
	b := w.of(host, l)
	f.Body = strconv.AppendInt(f.Body, int64(len(b)+len(l.Message)), 10)
	f.Body = append(append(append(f.Body, ' '), b...), l.Message...)
}

// Facilities and severities as Logplex sends them.
const (
	fromApp      = 23<<3 | 6 // local7.info
	fromRouter   = 19<<3 | 6 // local3.info
	fromPlatform = 5<<3 | 5  // syslog.notice
	fromAPI      = 16<<3 | 6 // local0.info
	fromLogplex  = 21<<3 | 4 // local5.warning
)

func priority(l *kigo.LogLine) int {
	switch {
	case l.Source == "app" && l.Process == "api":
		return fromAPI
	case l.Source == "app" && l.Process == kigo.LogShuttle:
		return fromLogplex
	case l.Source == "app":
		return fromApp
	case l.Process == "router":
		return fromRouter
	case l.Process == "logplex" || l.Source == "logplex":
		return fromLogplex
	}
	return fromPlatform
}

// appendName writes a field of the head: printable, without spaces, at most 48 bytes.
func appendName(b []byte, name string) []byte {
	if name == "" {
		return append(b, '-')
	}
	for i := 0; i < len(name) && i < 48; i++ {
		c := name[i]
		if c <= ' ' || c >= 0x7f {
			c = '_'
		}
		b = append(b, c)
	}
	return b
}

// newFrameID is unique, and as long as Logplex's.
func newFrameID() string {
	var b [16]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}
