package build

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/kigo-dev/kigo"
)

// fail tells why a build failed: in its output, whose last line is always "Push
// failed", to control, and, where it is ours, in the log.
func (a *attempt) fail(ctx context.Context, err error) error {
	lines, why := a.explain(ctx, err)
	for _, line := range lines {
		a.say.Plain("%s", line)
	}
	if len(lines) > 0 {
		a.say.Warn("Push failed")
	}
	if errors.Is(err, errCanceled) || errors.Is(err, errGone) {
		return nil // control knows
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	err = a.loop.Control.FailBuild(ctx, a.build.ID, why)
	if errors.Is(err, kigo.ErrNotFound) {
		return nil
	}
	return err
}

// explain is the one table of how builds end badly.
func (a *attempt) explain(ctx context.Context, err error) (lines []string, why string) {
	if r := (*refusal)(nil); errors.As(err, &r) {
		return r.lines, r.why
	}
	limit := int(a.loop.Limit.Seconds())
	switch {
	case errors.Is(err, errTimeout):
		return []string{"", fmt.Sprintf(" !     Push rejected, build timed out; must complete in %d seconds", limit), ""}, "timed out"
	case errors.Is(err, errFull):
		return []string{"", fmt.Sprintf(" !     Push rejected, the build wrote more than its %d MB of disk and was stopped.", a.loop.Scratch>>20), ""}, "disk quota exceeded"
	case errors.Is(err, errFiles):
		return []string{"", fmt.Sprintf(" !     Push rejected, the build made more than the %d files that its disk holds and was stopped.", a.loop.maxFiles()), ""}, "too many files"
	case errors.Is(err, errCanceled):
		return []string{"", " !     Build canceled.", ""}, "canceled"
	case errors.Is(err, errGone):
		return []string{"", " !     The app was destroyed while it was being built.", ""}, "app destroyed"
	}
	a.loop.Log.ErrorContext(ctx, "build failed for a reason of ours", "app", a.app.Name, "build", a.build.ID, "err", err)
	what := "could not be finished"
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		what = "could not be finished: the platform's disk is full"
	}
	return []string{
		"", " !     The build " + what + ".",
		" !     This is not a fault of your app, and nothing of it was changed.",
		" !     Push again later; tell the operator the build's id " + string(a.build.ID) + " if it happens again.", "",
	}, "platform error: " + err.Error()
}
