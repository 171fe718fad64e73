package api

import (
	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/client"
)

func (s *Server) stacks() []client.Stack {
	out := make([]client.Stack, len(s.Stacks))
	for i, name := range s.Stacks {
		out[i] = client.Stack{
			CreatedAt: epoch, Default: i == 0, ID: fixedID("stack", name), Name: name, State: "public", UpdatedAt: epoch,
		}
	}
	return out
}

func stackList(c *call) (reply, error) {
	return page(c, c.s.stacks(), as,
		textKey("name", func(s client.Stack) string { return s.Name }),
		textKey("id", func(s client.Stack) string { return s.ID }))
}

func stackInfo(c *call) (reply, error) {
	for _, s := range c.s.stacks() {
		if which := c.param("stack"); which == s.Name || which == s.ID {
			return ok(s), nil
		}
	}
	return reply{}, kigo.NotFound("stack")
}
