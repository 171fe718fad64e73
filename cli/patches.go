package cli

import (
	"fmt"

	"github.com/kigo-dev/kigo/client"
)

// stacksStatus shows an operator how far apps are on their way to new stack images.
func stacksStatus(c *call) error {
	all, err := c.api.StackPatches(c)
	if err != nil {
		return err
	}
	if c.is("json") {
		return c.json(all)
	}
	for _, s := range all {
		c.println("%s", patchLine(s))
		for _, r := range s.Returned {
			c.println("  %s returned to the image before: %s", r.Name, r.Why)
		}
		if s.Halted {
			c.println("  Halted: too many apps did not come up. Go on with: kigo stacks:patch %s", s.Stack)
		}
	}
	return nil
}

func patchLine(s client.StackPatch) string {
	return fmt.Sprintf("%s %.19s: %d of %d apps on it, %d moving, %d waiting, %d returned", s.Stack, s.Digest, s.On, s.Apps, s.Moving, s.Waiting, len(s.Returned))
}

// stacksPatch moves apps to the newest image of a stack now.
func stacksPatch(c *call) error {
	stack := c.arg(0)
	if stack == "" {
		all, err := c.api.StackPatches(c)
		if err != nil {
			return err
		}
		if len(all) == 0 {
			return usage(1, "This server has no stacks.")
		}
		stack = all[0].Stack
	}
	c.begin("Moving the apps of %s to its newest image", stack)
	if err := c.api.PatchStack(c, stack); err != nil {
		return err
	}
	c.done("started")
	return stacksStatus(c)
}
