package sshd

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kigo-dev/kigo"
)

func TestWhoWasNeverLetInIsGoneAfterTheTimeOfAHandshake(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		denied   error
		admitted bool
		ends     bool
	}{
		{"may not be there", kigo.NotFound("app"), false, true},
		{"the dyno has ended", kigo.Conflict("The dyno has ended."), false, true},
		{"forwards a port that nobody has asked for", nil, false, false},
		{"nobody can say", &kigo.Error{ID: kigo.IDUnavailable, Message: "Try again."}, false, false},
		{"was let in, and reads that the dyno has ended", kigo.Conflict("The dyno has ended."), true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				v := &visitor{server: &Server{Check: func(context.Context, Grant) error { return c.denied }}}
				v.admitted.Store(c.admitted)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				go v.watch(ctx, cancel)
				time.Sleep(handshakeTime - time.Millisecond)
				synctest.Wait()
				if ctx.Err() != nil {
					t.Error("it was cut before it could ask for anything")
				}
				time.Sleep(time.Minute)
				synctest.Wait()
				if ended := ctx.Err() != nil; ended != c.ends {
					t.Errorf("ended: %v", ended)
				}
			})
		})
	}
}
