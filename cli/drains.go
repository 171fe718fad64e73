package cli

func drains(c *call) error {
	all, err := c.api.Drains(c, c.app, c.is("extended"))
	if err != nil {
		return err
	}
	if c.is("json") {
		return c.json(all)
	}
	if len(all) > 0 {
		c.header("Drains")
	}
	for _, d := range all {
		extended := ""
		if d.Extended != nil {
			extended = " drain_id=" + d.Extended.DrainID
		}
		c.println("%s (%s)%s", d.URL, d.Token, extended)
	}
	return nil
}

func drainAdd(c *call) error {
	d, err := c.api.AddDrain(c, c.app, c.arg(0))
	if err == nil {
		c.println("Successfully added drain %s", d.URL)
	}
	return err
}

func drainRemove(c *call) error {
	d, err := c.api.RemoveDrain(c, c.app, c.arg(0))
	if err == nil {
		c.println("Successfully removed drain %s", d.URL)
	}
	return err
}
