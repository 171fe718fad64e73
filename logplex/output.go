package logplex

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/kigo-dev/kigo"
)

// Pace of a session's output.
const (
	batchFor   = 2 * time.Millisecond // lines that come this soon after others leave together
	aliveEvery = 15 * time.Second     // a comment for proxies and to notice that the client has gone
	stuckAfter = 5 * time.Minute      // a client that takes nothing for so long is cut off
)

// output writes one session's lines.
type output struct {
	w       http.ResponseWriter
	control *http.ResponseController
	events  bool
	suffix  string // of an event's id, up to its data
	buf     []byte
}

// run copies the reader to the client until either ends.
func (o *output) run(ctx context.Context, r *reader) {
	alive := time.NewTicker(aliveEvery)
	defer alive.Stop()
	pause := time.NewTimer(0)
	defer pause.Stop()
	if o.flush() != nil { // the status line, at once
		return
	}
	for {
		for batch := r.next(); len(batch) > 0; batch = r.next() {
			o.buf = o.buf[:0]
			for i := range batch {
				o.add(&batch[i])
			}
			if o.flush() != nil || ctx.Err() != nil {
				return
			}
		}
		if r.done {
			return
		}
		// At most one write per batchFor while lines keep coming.
		select {
		case <-ctx.Done():
			return
		case <-pause.C:
		}
		select {
		case <-ctx.Done():
			return
		case <-r.ended:
			r.done = true
		case <-r.wake:
		case <-alive.C:
			if o.events {
				o.buf = append(o.buf[:0], ":\n\n"...)
				if o.flush() != nil {
					return
				}
			}
		}
		pause.Reset(batchFor)
	}
}

func (o *output) flush() error {
	// Not every ResponseWriter has deadlines (tests); a stream without one still works.
	_ = o.control.SetWriteDeadline(time.Now().Add(stuckAfter))
	if len(o.buf) > 0 {
		if _, err := o.w.Write(o.buf); err != nil {
			return err
		}
	}
	return o.control.Flush()
}

func (o *output) add(e *entry) {
	if o.events {
		o.buf = append(o.buf, "id: "...)
		o.buf = strconv.AppendUint(o.buf, e.id, 10)
		o.buf = append(o.buf, o.suffix...)
		o.buf = append(appendText(o.buf, &e.line), "\n\n"...)
		return
	}
	o.buf = append(appendText(o.buf, &e.line), '\n')
}

// appendText is LogLine.String without the garbage.
func appendText(b []byte, l *kigo.LogLine) []byte {
	b = l.Time.UTC().AppendFormat(b, kigo.LogTime)
	b = append(b, ' ')
	b = append(b, l.Source...)
	b = append(b, '[')
	b = append(b, l.Process...)
	b = append(b, "]: "...)
	return append(b, l.Message...)
}
