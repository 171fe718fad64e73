package cli

import (
	"errors"
	"time"

	"github.com/kigo-dev/kigo/client"
)

func logs(c *call) error {
	lines, err := c.number("num")
	if err != nil {
		return err
	}
	if lines == 0 {
		lines = 100
	}
	dyno := c.str("dyno-name")
	if dyno == "" {
		dyno = c.str("process-type")
	}
	return c.showLog(client.NewLogSession{Dyno: dyno, Lines: lines, Source: c.str("source"), Tail: c.is("tail")})
}

// showLog prints a log session; a tail goes on until the user ends it, over a
// server that restarts in between.
func (c *call) showLog(n client.NewLogSession) error {
	session, err := c.api.CreateLogSession(c, c.app, n)
	if err != nil {
		return err
	}
	last := ""
	for {
		last, err = c.api.FollowLog(c, session, last, func(line string) error {
			c.println("%s", line)
			return nil
		})
		var refused *client.Error
		switch {
		case c.Err() != nil: // the user has seen enough
		case !n.Tail:
			return err
		case errors.As(err, &refused):
			return usage(1, "Log stream timed out. Please try again.")
		}
		select {
		case <-c.Done():
			return nil
		case <-time.After(time.Second):
		}
	}
}
