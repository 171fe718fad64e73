package patch

import (
	"log/slog"
	"testing"
	"time"

	"github.com/kigo-dev/kigo/store"
	"github.com/kigo-dev/kigo/store/storetest"
)

// The loop saw too many failures; before it writes that down an operator asks again.
func TestAHaltTakesNothingBackThatAnOperatorAskedMeanwhile(t *testing.T) {
	l := &Loop{Store: storetest.OpenSQLite(t), Newest: func(string) string { return "sha256:new" }, Log: slog.New(slog.DiscardHandler)}
	now := func() (c course) {
		err := l.Store.View(t.Context(), func(tx *store.Tx) (err error) {
			c, err = l.course(tx, "heroku-24", "sha256:new")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	seen := now()
	asked := time.Now()
	if err := l.Again(t.Context(), "heroku-24"); err != nil {
		t.Fatal(err)
	}
	if err := l.halt(t.Context(), "heroku-24", seen); err != nil {
		t.Fatal(err)
	}
	if c := now(); c.Halted || c.Since.Before(asked.Add(-time.Second)) {
		t.Errorf("the course is %+v", c)
	}
	if err := l.halt(t.Context(), "heroku-24", now()); err != nil {
		t.Fatal(err)
	}
	if !now().Halted {
		t.Error("a halt that nobody answered did not hold")
	}
}
