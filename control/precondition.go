package control

import (
	"context"
	"sync"
)

type precondition struct{}

// WithPrecondition makes the next change under ctx ask check first, inside its own
// transaction: no other change can come between. What check returns refuses the change.
func WithPrecondition(ctx context.Context, check func() error) context.Context {
	return context.WithValue(ctx, precondition{}, sync.OnceValue(check))
}

// checkPrecondition asks what WithPrecondition has set, once.
func checkPrecondition(ctx context.Context) error {
	if check, ok := ctx.Value(precondition{}).(func() error); ok {
		return check()
	}
	return nil
}
