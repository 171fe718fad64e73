package mail_test

import (
	"context"
	"database/sql"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/control"
	"github.com/kigo-dev/kigo/mail"
	"github.com/kigo-dev/kigo/store"
	"github.com/kigo-dev/kigo/store/storetest"
)

// queue is a loop over a database whose file a test may meddle with.
type queue struct {
	*site
	file *sql.DB
	log  strings.Builder
	sent []string // subjects
}

func newQueue(t *testing.T) *queue {
	t.Parallel()
	path := storetest.File(t, t.TempDir())
	q := &queue{site: &site{T: t}}
	db := storetest.Open(t, "sqlite:"+path, store.Options{})
	q.loop = &mail.Loop{Store: db, Log: slog.New(slog.NewTextHandler(&q.log, nil)), Send: func(_ context.Context, _ []string, subject, _ string) error {
		q.sent = append(q.sent, subject)
		return nil
	}}
	q.Control = &control.Control{Store: db}
	file, err := sql.Open("sqlite", path)
	q.must(err)
	t.Cleanup(func() { file.Close() })
	q.file = file
	return q
}

// add puts a letter into the queue.
func (q *queue) add(subject string, life time.Duration) (id string) {
	q.Helper()
	letter := kigo.Letter{To: "bob@example.com", Subject: subject, Text: "t"}
	q.must(q.Store.Update(q.Context(), func(tx *store.Tx) error {
		letter.Until = tx.Now().Add(life)
		return tx.CreateLetter(&letter)
	}))
	return letter.ID
}

// exec changes the file behind the store's back.
func (q *queue) exec(query string, args ...any) {
	q.Helper()
	_, err := q.file.ExecContext(q.Context(), query, args...)
	q.must(err)
}

func TestALetterWhoseDeletionFailsIsNotSentAtEachLook(t *testing.T) {
	q := newQueue(t)
	q.add("one", time.Hour)
	q.exec("CREATE TRIGGER broken BEFORE DELETE ON letters BEGIN SELECT RAISE(ABORT, 'no'); END")
	for range 3 {
		if err := q.loop.Deliver(t.Context()); len(q.sent) == 1 && err != nil && !strings.Contains(err.Error(), "may be sent again") {
			t.Error(err)
		}
	}
	if len(q.sent) != 1 {
		t.Errorf("it was sent %d times", len(q.sent))
	}
	if w := q.waiting(time.Hour); len(w) != 1 || w[0].Tries != 1 {
		t.Errorf("left: %+v", w)
	}
}

func TestALetterIsNotSentWhileItCannotBeTaken(t *testing.T) {
	q := newQueue(t)
	q.add("one", time.Hour)
	q.exec("CREATE TRIGGER broken BEFORE UPDATE ON letters BEGIN SELECT RAISE(ABORT, 'no'); END")
	if err := q.loop.Deliver(t.Context()); err == nil || len(q.sent) != 0 {
		t.Errorf("it was sent %d times, %v", len(q.sent), err)
	}
	q.exec("DROP TRIGGER broken")
	q.must(q.loop.Deliver(t.Context()))
	if len(q.sent) != 1 || len(q.waiting(1000*time.Hour)) != 0 {
		t.Errorf("sent %v", q.sent)
	}
}

func TestALetterIsNotSentTwiceBecauseTheProcessEnds(t *testing.T) {
	q := newQueue(t)
	ctx, cancel := context.WithCancel(t.Context())
	send := q.loop.Send
	q.loop.Send = func(ctx context.Context, to []string, subject, text string) error {
		defer cancel() // right after the mail server has taken it
		return send(ctx, to, subject, text)
	}
	q.add("one", time.Hour)
	q.must(q.loop.Deliver(ctx))
	q.loop.Send = send
	q.must(q.loop.Deliver(t.Context()))
	if len(q.sent) != 1 || len(q.waiting(1000*time.Hour)) != 0 {
		t.Errorf("sent %v, %d wait", q.sent, len(q.waiting(1000*time.Hour)))
	}
}

func TestALetterThatAnEndingProcessDidNotSendGoesOutWithTheNext(t *testing.T) {
	q := newQueue(t)
	ctx, cancel := context.WithCancel(t.Context())
	send := q.loop.Send
	q.loop.Send = func(ctx context.Context, _ []string, _, _ string) error {
		cancel()
		return ctx.Err()
	}
	q.add("one", time.Hour)
	q.must(q.loop.Deliver(ctx))
	q.loop.Send = send
	q.must(q.loop.Deliver(t.Context()))
	if len(q.sent) != 1 {
		t.Errorf("sent %v", q.sent)
	}
}

func TestALetterThatCannotBeOpenedOrIsLateHoldsUpNoOther(t *testing.T) {
	q := newQueue(t)
	q.exec("UPDATE letters SET body = x'00' WHERE id = ?", q.add("damaged", time.Hour))
	q.exec("UPDATE letters SET until = 1 WHERE id = ?", q.add("late", time.Hour))
	q.add("fine", time.Hour)
	q.must(q.loop.Deliver(t.Context()))
	if len(q.sent) != 1 || q.sent[0] != "fine" || len(q.waiting(1000*time.Hour)) != 0 {
		t.Errorf("sent %v, %d wait", q.sent, len(q.waiting(1000*time.Hour)))
	}
	for _, want := range []string{"subject=damaged", "sealed value is damaged", "subject=late", "is of no use any more"} {
		if !strings.Contains(q.log.String(), want) {
			t.Errorf("the log has no %q:\n%s", want, q.log.String())
		}
	}
}
