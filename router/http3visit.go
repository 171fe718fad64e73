package router

import (
	"context"
	"sync"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
)

// visit is one connection of HTTP/3. It may last as long as requests are under way on it, and
// Limits.Idle longer. Only whole heads count: the library reads a head without a limit in
// time and shows it when it is whole, so that one in parts cannot be cut alone.
type visit struct {
	idle time.Duration
	late *time.Timer

	mu       sync.Mutex
	requests int // under way
}

type visitKey struct{}

// visit begins one.
func (f *front) visit(ctx context.Context, q *quic.Conn) context.Context {
	v := &visit{idle: f.rt.limits.Idle}
	v.late = time.AfterFunc(v.idle, func() {
		v.mu.Lock()
		defer v.mu.Unlock()
		if v.requests == 0 {
			_ = q.CloseWithError(quic.ApplicationErrorCode(http3.ErrCodeNoError), "no request for too long")
		}
	})
	context.AfterFunc(q.Context(), func() { v.late.Stop() })
	return context.WithValue(ctx, visitKey{}, v)
}

func (v *visit) enter() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.requests++
	v.late.Stop()
}

func (v *visit) leave() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.requests--; v.requests == 0 {
		v.late.Reset(v.idle)
	}
}
