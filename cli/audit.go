package cli

import "github.com/kigo-dev/kigo/client"

// auditVerify asks the server to check that its record of changes is whole; its
// exit status says so too.
func auditVerify(c *call) error {
	var a client.Audit
	if err := c.api.Do(c, "GET", "/kigo/audit", nil, &a); err != nil {
		return err
	}
	if a.Trouble != nil {
		return sentence("The record of changes is not whole: %s.", *a.Trouble)
	}
	c.println("%d events: each is as it was written, and none is missing.", a.Events)
	if a.Before > 0 {
		c.println("%d older ones are from before events were chained.", a.Before)
	}
	return nil
}
