package store

import (
	"context"
	"time"
)

// outcomeWithin is how long a process that ends goes on for what it still has to write down.
const outcomeWithin = 10 * time.Second

// Outcome is a context in which to write down what became of something that was done, such as
// a message that was sent: it goes on for a while when ctx ends, so that it is not done again.
func Outcome(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), outcomeWithin)
}
