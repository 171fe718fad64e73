package mail_test

import (
	"context"
	"errors"
	"log/slog"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/control"
	"github.com/kigo-dev/kigo/mail"
	"github.com/kigo-dev/kigo/mail/mailtest"
	"github.com/kigo-dev/kigo/secret"
	"github.com/kigo-dev/kigo/store"
	"github.com/kigo-dev/kigo/store/storetest"
)

type site struct {
	*testing.T
	*control.Control
	operator, bob control.Actor
	loop          *mail.Loop
	letters       func() []string
}

const password = "correct horse battery"

func newSite(t *testing.T) *site {
	t.Parallel()
	s := &site{T: t, Control: &control.Control{Store: storetest.OpenSQLite(t), Domain: "apps.example.com", Mail: true}}
	account, err := s.EnsureOperator(t.Context(), "op@example.com", secret.NewToken())
	s.must(err)
	s.operator = control.Actor{ID: account.ID, Email: account.Email}
	bob, _, err := s.CreateAccount(t.Context(), s.operator, control.NewAccount{Email: "bob@example.com", Password: password})
	s.must(err)
	s.bob = control.Actor{ID: bob.ID, Email: bob.Email}
	address, letters := mailtest.Start(t)
	mailer, err := mail.New("smtp://"+address, "kigo@example.com")
	s.must(err)
	s.letters = letters
	s.loop = &mail.Loop{Store: s.Store, Send: mailer.Send, Reset: s.SendReset, Log: slog.New(slog.DiscardHandler)}
	return s
}

func (s *site) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// letter is the only one that came since the last call, to that address.
func (s *site) letter(n int, to string) string {
	s.Helper()
	s.must(s.loop.Deliver(s.Context()))
	all := s.letters()
	if len(all) != n || !strings.Contains(all[n-1], "<"+to+">") {
		s.Fatalf("%d letters, want %d and the last to %s: %q", len(all), n, to, all)
	}
	return strings.NewReplacer("=\r\n", "", "=3D", "=").Replace(all[n-1])
}

// token is what stands behind a command in a letter.
func (s *site) token(letter, command string) string {
	s.Helper()
	m := regexp.MustCompile(regexp.QuoteMeta(command) + ` (\S+)`).FindStringSubmatch(letter)
	if m == nil {
		s.Fatalf("no %s in the letter:\n%s", command, letter)
	}
	return m[1]
}

func TestAPasswordResetIsMailedAndToldNobodyElse(t *testing.T) {
	s := newSite(t)
	ctx := t.Context()
	_, token, err := s.ResetLogin(ctx, s.operator, "bob@example.com", false)
	s.must(err)
	if token != "" {
		t.Errorf("the operator was told the token %q", token)
	}
	mailed := s.token(s.letter(1, "bob@example.com"), "kigo password:reset")
	s.must(s.AskReset(ctx, "here", "nobody@example.com")) // no account: no letter, and no word of it
	s.must(s.AskReset(ctx, "here", "bob@example.com"))    // just now there was one
	s.letter(1, "bob@example.com")
	_, err = s.FinishReset(ctx, "here", mailed, "another password")
	s.must(err)
	if _, err := s.FinishReset(ctx, "here", mailed, "a third password"); !errors.Is(err, kigo.ErrNotFound) {
		t.Errorf("the token counted twice: %v", err)
	}
	s.must(s.AskReset(ctx, "here", "bob@example.com"))
	if again := s.token(s.letter(2, "bob@example.com"), "kigo password:reset"); again == mailed {
		t.Error("the same token was mailed again")
	}
}

func TestANewAddressIsConfirmedByTheLetterToIt(t *testing.T) {
	s := newSite(t)
	ctx := t.Context()
	s.must(s.AskEmail(ctx, s.bob, "robert@example.com", password))
	s.must(s.loop.Deliver(ctx))
	all := strings.Join(s.letters(), "\n")
	if len(s.letters()) != 2 || !strings.Contains(all, "<bob@example.com>") {
		t.Fatalf("the old address is not told: %q", all)
	}
	token := s.token(strings.NewReplacer("=\r\n", "", "=3D", "=").Replace(all), "kigo email:confirm")
	if _, err := s.FinishEmail(ctx, "here", "wrong"); !errors.Is(err, kigo.ErrNotFound) {
		t.Errorf("a wrong token: %v", err)
	}
	a, err := s.FinishEmail(ctx, "here", token)
	s.must(err)
	if a.Email != "robert@example.com" {
		t.Errorf("the address is %s", a.Email)
	}
	if _, err := s.FinishEmail(ctx, "here", token); !errors.Is(err, kigo.ErrNotFound) {
		t.Errorf("the token counted twice: %v", err)
	}
}

func TestAnInvitationIsMailed(t *testing.T) {
	s := newSite(t)
	team, err := s.CreateTeam(t.Context(), s.operator, "acme")
	s.must(err)
	_, err = s.Invite(t.Context(), s.operator, team.ID, "bob@example.com", "member")
	s.must(err)
	if text := s.letter(1, "bob@example.com"); !strings.Contains(text, "op@example.com invites you to join the team acme as member") || !strings.Contains(text, "kigo teams:accept acme") {
		t.Error(text)
	}
}

func TestAnOfferOfAnAppIsMailed(t *testing.T) {
	s := newSite(t)
	app, err := s.CreateApp(t.Context(), s.operator, control.NewApp{Name: "myapp"})
	s.must(err)
	_, err = s.OfferApp(t.Context(), s.operator, app.ID, "bob@example.com")
	s.must(err)
	if text := s.letter(1, "bob@example.com"); !strings.Contains(text, "op@example.com offers you the app myapp") || !strings.Contains(text, "kigo apps:transfers:accept myapp") {
		t.Error(text)
	}
}

func TestWithoutAMailServerNothingIsWrittenDown(t *testing.T) {
	s := newSite(t)
	s.Mail = false
	_, token, err := s.ResetLogin(t.Context(), s.operator, "bob@example.com", false)
	s.must(err)
	if token == "" || len(s.waiting(time.Hour*1000)) != 0 {
		t.Errorf("token %q, %d letters wait", token, len(s.waiting(time.Hour*1000)))
	}
}

// waiting are the letters that are due after so long.
func (s *site) waiting(after time.Duration) (all []kigo.Letter) {
	s.Helper()
	s.must(s.Store.View(s.Context(), func(tx *store.Tx) (err error) {
		all, err = tx.LettersBefore(tx.Now().Add(after), 10)
		return err
	}))
	return all
}

func TestALetterIsTriedAgainUntilItIsOfNoUse(t *testing.T) {
	s := newSite(t)
	ctx := t.Context()
	_, _, err := s.ResetLogin(ctx, s.operator, "bob@example.com", false)
	s.must(err)
	tries := 0
	send := s.loop.Send
	s.loop.Send = func(context.Context, []string, string, string) error {
		tries++
		return errors.New("mail server is away")
	}
	s.must(s.loop.Deliver(ctx))
	s.must(s.loop.Deliver(ctx)) // not due yet
	if w := s.waiting(time.Minute); tries != 1 || len(w) != 1 || w[0].Tries != 1 || strings.Contains(w[0].Subject, "password:reset") {
		t.Fatalf("%d tries, %d letters wait: %+v", tries, len(w), w)
	}
	late := s.waiting(time.Minute)[0]
	s.must(s.Store.Update(ctx, func(tx *store.Tx) error { return tx.PostponeLetter(late.ID, 40, tx.Now()) }))
	s.must(s.loop.Deliver(ctx)) // the next try would be in an hour, and the token lasts a day
	if len(s.waiting(2*time.Hour)) != 1 {
		t.Error("a letter that is still of use was given up")
	}
	s.must(s.Store.Update(ctx, func(tx *store.Tx) error {
		return errors.Join(tx.DeleteLetter(late.ID), tx.CreateLetter(&kigo.Letter{To: "bob@example.com", Subject: "short", Text: "t", Until: tx.Now().Add(time.Second)}))
	}))
	s.must(s.loop.Deliver(ctx))
	if w := s.waiting(1000 * time.Hour); len(w) != 0 {
		t.Errorf("a letter of no use is kept: %+v", w)
	}
	s.must(s.Store.Update(ctx, func(tx *store.Tx) error {
		return tx.CreateLetter(&kigo.Letter{To: "not an address", Subject: "bad", Text: "t", Until: tx.Now().Add(time.Hour)})
	}))
	s.loop.Send = send
	s.must(s.loop.Deliver(ctx))
	if w := s.waiting(1000 * time.Hour); len(w) != 0 {
		t.Errorf("a letter that nobody can be sent is kept: %+v", w)
	}
}

func TestTheLoopSendsByItselfAndEndsWhenAsked(t *testing.T) {
	s := newSite(t)
	_, _, err := s.ResetLogin(t.Context(), s.operator, "bob@example.com", false)
	s.must(err)
	ctx, cancel := context.WithCancel(t.Context())
	s.loop.Every = time.Millisecond
	sent, send := make(chan struct{}, 9), s.loop.Send
	s.loop.Send = func(ctx context.Context, to []string, subject, text string) error {
		defer func() { sent <- struct{}{} }()
		return send(ctx, to, subject, text)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.loop.Run(ctx) }()
	<-sent
	for len(s.waiting(1000*time.Hour)) > 0 {
		<-time.After(5 * time.Millisecond)
	}
	cancel()
	s.must(<-ended)
	if n := len(s.letters()); n != 1 {
		t.Errorf("%d letters", n)
	}
}
