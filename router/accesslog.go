package router

import (
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kigo-dev/kigo"
)

// LogSink takes finished lines. It must not block for long, and must not keep
// line after it returns. The source of every line is "heroku", its process "router".
type LogSink interface {
	WriteLine(app kigo.AppID, at time.Time, line []byte)
}

const (
	logFlush = 64 << 10             // bytes that are flushed at once
	logMost  = 4 << 20              // bytes that wait for a slow sink; more are dropped and counted
	logDelay = 2 * time.Millisecond // how long a line waits for others
)

// accessLog collects lines of all requests in one buffer and gives them to the
// sink in batches.
type accessLog struct {
	sink    LogSink
	mu      sync.Mutex
	batch   logBatch
	kick    chan struct{} // a first line is there
	full    chan struct{} // enough lines are there
	dropped atomic.Int64
}

type logBatch struct {
	text  []byte
	lines []logRecord
}

type logRecord struct {
	app kigo.AppID
	at  time.Time
	end int // of the line in text
}

func newAccessLog(sink LogSink) *accessLog {
	return &accessLog{sink: sink, kick: make(chan struct{}, 1), full: make(chan struct{}, 1)}
}

func (l *accessLog) write(app kigo.AppID, at time.Time, line []byte) {
	l.mu.Lock()
	before := len(l.batch.text)
	if before+len(line) > logMost {
		l.mu.Unlock()
		l.dropped.Add(1)
		return
	}
	l.batch.text = append(l.batch.text, line...)
	l.batch.lines = append(l.batch.lines, logRecord{app, at, len(l.batch.text)})
	l.mu.Unlock()
	if before == 0 {
		signal(l.kick)
	}
	if before < logFlush && before+len(line) >= logFlush {
		signal(l.full)
	}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// run flushes until stop is closed, and then a last time.
func (l *accessLog) run(stop <-chan struct{}) {
	timer := time.NewTimer(logDelay)
	defer timer.Stop()
	var spare logBatch
	for {
		select {
		case <-stop:
			l.flush(&spare)
			return
		case <-l.kick:
		}
		timer.Reset(logDelay)
		select {
		case <-timer.C:
		case <-l.full:
		case <-stop:
		}
		l.flush(&spare)
	}
}

func (l *accessLog) flush(spare *logBatch) {
	l.mu.Lock()
	l.batch, *spare = *spare, l.batch
	l.mu.Unlock()
	from := 0
	for i, r := range spare.lines {
		l.sink.WriteLine(r.app, r.at, spare.text[from:r.end])
		from = r.end
		spare.lines[i].app = ""
	}
	spare.text, spare.lines = spare.text[:0], spare.lines[:0]
}

// appendLine formats the line of a finished exchange, in the order of Heroku's.
func (x *exchange) appendLine(b []byte) []byte {
	q := &x.req
	c := x.code
	if c == nil {
		b = append(b, "at=info"...)
	} else {
		if c.Sock != "" {
			b = append(append(append(b, "sock="...), c.Sock...), ' ')
		}
		b = append(append(b, "at="...), c.Level...)
		b = append(append(b, " code="...), c.Name...)
		b = append(append(b, ` desc="`...), c.Desc...)
		if c == h25 && x.extra != "" {
			b = append(append(b, ": "...), x.extra...)
		}
		b = append(b, '"')
		if c == h26 {
			b = append(append(append(b, ` cause="`...), x.extra...), '"')
		}
	}
	b = appendEscaped(append(b, " method="...), q.method)
	b = append(appendEscaped(append(b, ` path="`...), q.target), '"')
	b = append(append(b, " host="...), canonicalHost(x.scratch[:0], q.host)...)
	b = append(append(b, " request_id="...), x.id...)
	b = append(x.appendForwarded(append(b, ` fwd="`...), true), '"')
	if d := x.dyno; d != nil {
		b = append(append(b, " dyno="...), d.Name...)
		b = append(strconv.AppendInt(append(b, " connect="...), x.connect.Milliseconds(), 10), "ms"...)
		b = append(strconv.AppendInt(append(b, " service="...), x.took.Milliseconds(), 10), "ms"...)
	} else {
		b = append(b, " dyno= connect= service="...)
	}
	b = strconv.AppendInt(append(b, " status="...), int64(x.status), 10)
	b = strconv.AppendInt(append(b, " bytes="...), x.bytes, 10)
	return append(b, x.c.protocol...)
}

// appendEscaped keeps a line one line and its quotes paired, whatever a client
// sent, and no longer than a line may be.
func appendEscaped(b, s []byte) []byte {
	const most = 4096
	if len(s) > most {
		s = s[:most]
	}
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < ' ' || c >= 0x7f:
			b = append(b, '\\', 'x', hexDigits[c>>4], hexDigits[c&15])
		default:
			b = append(b, c)
		}
	}
	return b
}

const hexDigits = "0123456789abcdef"
