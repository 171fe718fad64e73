package setup

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/kigo-dev/kigo"
)

type told struct {
	Control
	failure string
}

func (c *told) FinishSetup(_ context.Context, _, failure string, _ *int) error {
	c.failure = failure
	return nil
}

func TestASourceThatThePlatformCannotReadEndsTheSetUpAfterAnHour(t *testing.T) {
	broken := errors.New("no sandbox")
	for _, c := range []struct {
		age  time.Duration
		ends bool
	}{{time.Minute, false}, {2 * time.Hour, true}} {
		control := &told{}
		l := &Loop{Control: control, Log: slog.New(slog.DiscardHandler), Read: func(context.Context, string, kigo.App, kigo.Source) (string, error) { return "", broken }}
		err := l.step(t.Context(), situation{setup: &kigo.Setup{CreatedAt: time.Now().Add(-c.age)}})
		if ends := strings.Contains(control.failure, "for an hour"); ends != c.ends || errors.Is(err, broken) == c.ends {
			t.Errorf("after %s: ended %q, error %v", c.age, control.failure, err)
		}
	}
}
