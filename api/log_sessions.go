package api

import (
	"github.com/google/uuid"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/client"
	"github.com/kigo-dev/kigo/logplex"
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
		CreatedAt: now, ID: uuid.NewString(), LogplexURL: c.s.Logs.NewURL(c.s.baseURL(c.r), c.app.ID, f), UpdatedAt: now,
	}), nil
}

// logStream serves the address of a session.
func logStream(c *call) (reply, error) {
	c.s.Logs.ServeHTTP(c.w, c.r)
	return reply{}, nil
}
