package build

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/kigo-dev/kigo"
)

// killWait is how long a killed sandbox may take to be gone.
const killWait = 30 * time.Second

// follow copies the sandbox's output until it has ended, granting its wishes for
// toolchains meanwhile. When ctx ends first, the sandbox is killed.
func (a *attempt) follow(ctx context.Context) error {
	codon, err := os.OpenRoot(a.sandbox.codon)
	if err != nil {
		return err
	}
	defer codon.Close()
	wishes, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { defer close(done); a.loop.toolchains.grant(wishes, codon, a.sandbox.kigo, a.sandbox.image) }()
	defer func() { stop(); <-done }()
	return a.loop.tail(ctx, a.sandbox.id, func(line kigo.OutputLine) {
		if line.Dropped > 0 {
			a.say.Plain(" !     %d lines of output were lost here.", line.Dropped)
		}
		_, _ = io.WriteString(a.out, line.Text+"\n") // the build matters more than its text
	})
}

// tail reads a launch's output to its end. It kills the launch when ctx ends.
func (l *Loop) tail(ctx context.Context, id kigo.DynoID, f func(kigo.OutputLine)) error {
	logs, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	stop := context.AfterFunc(ctx, func() {
		if err := l.Engine.Kill(logs, id); err != nil {
			l.Log.ErrorContext(logs, "kill build", "launch", id, "err", err)
		}
		time.AfterFunc(killWait, cancel)
	})
	defer stop()
	if err := l.Engine.Logs(logs, id, 0, f); err != nil {
		return fmt.Errorf("read output: %w", err)
	}
	return ctx.Err()
}

// exited waits for the moment between the end of a launch's output and its
// status saying so.
func (a *attempt) exited(ctx context.Context) (kigo.RunStatus, error) {
	return a.loop.await(ctx, a.sandbox.id)
}

func (l *Loop) await(ctx context.Context, id kigo.DynoID) (kigo.RunStatus, error) {
	ctx, cancel := context.WithTimeout(ctx, killWait)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		st, err := l.Engine.Status(ctx, id)
		if err != nil {
			return st, err
		}
		switch st.State {
		case kigo.RunExited:
			if st.Reason != "" {
				return st, fmt.Errorf("sandbox could not be started: %s", st.Reason)
			}
			return st, nil
		case kigo.RunLost:
			return st, fmt.Errorf("sandbox was lost: %s", st.Reason)
		}
		select {
		case <-ctx.Done():
			return st, fmt.Errorf("wait for the sandbox to end: %w", ctx.Err())
		case <-tick.C:
		}
	}
}
