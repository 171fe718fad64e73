package server

import (
	"context"
	"sync"
	"time"

	"github.com/kigo-dev/kigo/store"
)

// bell wakes everybody who waits for any change at all.
type bell struct {
	mu sync.Mutex
	ch chan struct{}
}

func (b *bell) wait() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ch == nil {
		b.ch = make(chan struct{})
	}
	return b.ch
}

func (b *bell) ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ch != nil {
		close(b.ch)
		b.ch = nil
	}
}

// until looks at the store at each change until done says so.
func (n *node) until(ctx context.Context, done func(*store.Tx) (bool, error)) error {
	for {
		changed := n.changes.wait() // before looking: what comes meanwhile wakes us
		var ok bool
		err := n.store.View(ctx, func(tx *store.Tx) (err error) {
			ok, err = done(tx)
			return err
		})
		if err != nil || ok {
			return err
		}
		select {
		case <-changed:
		case <-time.After(time.Second):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
