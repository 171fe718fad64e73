package api

import (
	"context"

	"github.com/google/uuid"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/client"
	"github.com/kigo-dev/kigo/control"
	"github.com/kigo-dev/kigo/logplex"
	"github.com/kigo-dev/kigo/store"
)

// linesDefault is how many lines a session begins with (heroku logs -n).
const linesDefault = 100

func logSessionCreate(c *call) (reply, error) {
	var in struct {
		Dyno     *string `json:"dyno"`      // what the command line sends; a type is as good as a name
		DynoName *string `json:"dyno_name"` // what the schema says
		Type     *string `json:"type"`
		Lines    *int    `json:"lines"`
		Source   *string `json:"source"`
		Tail     *bool   `json:"tail"`
	}
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	f := logplex.Filter{Lines: linesDefault, Source: value(in.Source), Follow: value(in.Tail)}
	for _, process := range []*string{in.Dyno, in.DynoName, in.Type} {
		if f.Process == "" {
			f.Process = value(process)
		}
	}
	if in.Lines != nil {
		if *in.Lines < 0 {
			return reply{}, kigo.Invalid("lines must not be negative.")
		}
		f.Lines = min(*in.Lines, kigo.MaxRetainedLines)
	}
	now := second(c.s.Now())
	return created(client.LogSession{
		CreatedAt: now, ID: uuid.NewString(), LogplexURL: c.s.Logs.NewURLFor(c.s.baseURL(c.r), c.app.ID, f, c.actor.ID), UpdatedAt: now,
	}), nil
}

// logStream serves the address of a session.
func logStream(c *call) (reply, error) {
	c.s.Logs.ServeHTTP(c.w, c.r)
	return reply{}, nil
}

// mayReadLogs says whether an account may still read the log of an app. A store that is
// away for a moment ends no session.
func (s *Server) mayReadLogs(ctx context.Context, id kigo.AppID, by kigo.AccountID) bool {
	var app kigo.App
	err := s.Store.View(ctx, func(tx *store.Tx) (err error) {
		app, err = tx.App(id)
		return err
	})
	if err == nil && app.Destroying {
		return false
	}
	if err == nil {
		err = s.Control.Can(ctx, control.Actor{ID: by}, kigo.PermissionDeploy, app)
	}
	_, refused := kigo.AsError(err)
	return !refused
}
