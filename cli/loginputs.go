package cli

import (
	"time"

	"github.com/kigo-dev/kigo/client"
)

func logInputs(c *call) error {
	all, err := c.api.LogInputs(c, c.app)
	if err != nil {
		return err
	}
	if c.is("json") {
		return c.json(all)
	}
	for _, in := range all {
		c.println("%s  since %s", in.Name, in.CreatedAt.Local().Format("2006-01-02 15:04"))
	}
	return nil
}

func logInputAdd(c *call) error {
	in, err := c.api.AddLogInput(c, c.app, c.arg(0))
	if err != nil {
		return err
	}
	c.warn("The address below holds the token, which is not shown again.")
	c.println("%s", in.URL)
	return nil
}

func logInputRemove(c *call) error {
	in, err := c.api.RemoveLogInput(c, c.app, c.arg(0))
	if err == nil {
		c.println("Successfully removed log input %s", in.Name)
	}
	return err
}

// logRetention shows how much of the log is kept, after it has changed what the
// flags say.
func logRetention(c *call) error {
	var change client.LogRetentionChange
	for _, f := range []string{"lines", "bytes"} {
		n, err := c.number(f)
		if err != nil {
			return err
		}
		switch {
		case !c.changed(f):
		case f == "lines":
			change.Lines = &n
		default:
			bytes := int64(n)
			change.Bytes = &bytes
		}
	}
	if c.changed("age") {
		d, err := time.ParseDuration(c.str("age"))
		if err != nil {
			return usage(2, "--age %s is no time such as 24h or 90m; 0 is however long", c.str("age"))
		}
		seconds := int(d.Seconds())
		change.Age = &seconds
	}
	r, err := c.api.LogRetention(c, c.app)
	if change != (client.LogRetentionChange{}) {
		r, err = c.api.SetLogRetention(c, c.app, change)
	}
	if err != nil {
		return err
	}
	if c.is("json") {
		return c.json(r)
	}
	age := "however old"
	if r.Age > 0 {
		age = (time.Duration(r.Age) * time.Second).String()
	}
	c.println("Lines: %d\nBytes: %d\nAge:   %s", r.Lines, r.Bytes, age)
	return nil
}
