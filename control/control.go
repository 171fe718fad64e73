// Package control is the only writer of desired state: every change that a user
// asks for, or that ends a build or a release phase, is one method here, one
// transaction together with its events, and then the line that Heroku would write into the
// app's log. It holds no state of its own and starts nothing; the loops see the
// events and make it so.
//
// Who may do what is asked with Can before; the methods check what is asked, not
// who asks. Errors meant for users are kigo.Error with Heroku's ids and words.
//
// Start reading at Control, then apps.go, builds.go, releases.go, formations.go.
package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/internal/killpoint"
	"github.com/kigo-dev/kigo/outbound"
	"github.com/kigo-dev/kigo/secret"
	"github.com/kigo-dev/kigo/store"
)

// Control changes desired state. Fields are set once, before the first call.
type Control struct {
	Store   *store.Store
	Logs    Logs         // nil: lines go nowhere
	Domain  string       // of the platform, such as "localhost": apps are NAME.localhost
	Stacks  []string     // the first is the default; empty: DefaultStack
	Regions []string     // the first is the default; empty: DefaultRegion
	URL     string       // of the API, for log lines that point to output; may be empty
	Log     *slog.Logger // nil: slog.Default

	Base     func(stack string) string // digest of the newest image of a stack; nil: none is kept with releases
	ACME     bool                      // certificates can be got from an authority (package acme)
	HasSlug  func(digest string) bool  // whether a slug's image is still there; a look at its name, nothing more; nil: always
	Hardened bool                      // the machine has a runtime for hardened isolation
	Outbound outbound.Policy           // which addresses users may have the platform connect to
	Mail     bool                      // whether e-mail can be sent
	Room     func() Room               // asks what the machine has; nil: all that is wanted

	Passwords secret.Passwords // what it costs to hash them; zero: what protects them
}

// Logs takes lines for apps' log streams. logplex.Hub is one. Write must not block.
type Logs interface {
	Write(app kigo.AppID, lines ...kigo.LogLine)
}

// What Control's Stacks and Regions are when they are empty.
const (
	DefaultStack  = "heroku-22"
	DefaultRegion = "us"
)

// Region is where apps are made that say nothing else.
func (c *Control) Region() string {
	if len(c.Regions) > 0 {
		return c.Regions[0]
	}
	return DefaultRegion
}

// Actor is who asks.
type Actor struct {
	ID    kigo.AccountID
	Email string
	Scope []string // of the authorization; empty: global
	From  string   // network address and request id, for the audit trail; may be empty

	Authorization string // its id; empty: asked without a token, as by a password
	Proof         string // the hash of the password that it gave; empty: it gave none
}

// change is one Update in the making: the transaction, and the log lines that
// shall be written when it has committed.
type change struct {
	*store.Tx
	control *Control
	actor   Actor
	lines   []appLine
}

type appLine struct {
	app  kigo.AppID
	line kigo.LogLine
}

// update runs f in one transaction and writes its log lines when it has committed.
func (c *Control) update(ctx context.Context, a Actor, f func(*change) error) error {
	var lines []appLine
	err := c.Store.Update(ctx, func(tx *store.Tx) error {
		ch := &change{Tx: tx, control: c, actor: a}
		if err := errors.Join(checkPrecondition(ctx), ch.proven()); err != nil {
			return err
		}
		err := f(ch)
		lines = ch.lines
		killpoint.At("change-uncommitted")
		return err
	})
	killpoint.At("change-committed")
	if err != nil || c.Logs == nil {
		return err
	}
	for _, l := range lines {
		c.Logs.Write(l.app, l.line)
	}
	return nil
}

// proven refuses who gave a password that is not the account's any more: between its check,
// which takes a while, and what it was given for, the account may have got another.
func (c *change) proven() error {
	if c.actor.Proof == "" {
		return nil
	}
	hash, err := c.PasswordHash(c.actor.ID)
	if err != nil {
		return instead(err, errCredentials)
	}
	if hash != c.actor.Proof {
		return errCredentials
	}
	return nil
}

// app reads an app that a user may still change: one being destroyed is not found.
func (c *change) app(id kigo.AppID) (kigo.App, error) {
	app, err := c.App(id)
	if err == nil && app.Destroying {
		return kigo.App{}, kigo.NotFound("app")
	}
	return app, err
}

// logf adds a line from "app[api]"; byf one that ends in who did it.
func (c *change) byf(app kigo.AppID, format string, args ...any) {
	c.logf(app, format+" by user %s", append(args, c.actor.Email)...)
}

func (c *change) logf(app kigo.AppID, format string, args ...any) {
	c.lines = append(c.lines, appLine{app, kigo.LogLine{
		Time: c.Now(), Source: "app", Process: "api", Message: fmt.Sprintf(format, args...),
	}})
}

// emit records an event of this change. Payload may be nil.
func (c *change) emit(kind string, app kigo.AppID, key string, payload any) error {
	e := kigo.Event{Kind: kind, App: app, Key: key, Actor: c.actor.Email, Origin: c.actor.From}
	if payload != nil {
		b, err := json.Marshal(payload)
		if err != nil {
			return fmt.Errorf("marshal event: %w", err)
		}
		e.Payload = b
	}
	return c.Emit(e)
}
