package cli

import (
	"strings"
	"time"

	"github.com/kigo-dev/kigo/client"
)

// statusShow shows what the server says of itself.
func statusShow(c *call) error {
	s, err := get[client.PlatformStatus](c, "api", "v4", "current-status")
	if err != nil {
		return err
	}
	if c.is("json") {
		return c.json(s)
	}
	for _, part := range s.Status {
		text := strings.ToUpper(part.Status[:min(1, len(part.Status))]) + part.Status[min(1, len(part.Status)):]
		if part.Status == "green" {
			text = "No known issues at this time."
		}
		c.println("%-11s%s", part.System+":", text)
	}
	for _, i := range s.Incidents {
		c.println("")
		c.header("%s %s %s", i.Title, i.CreatedAt.UTC().Format(time.RFC3339), i.FullURL)
		for _, u := range i.Updates {
			c.println("%s %s (%s ago)\n%s\n", u.UpdateType, u.UpdatedAt.UTC().Format(time.RFC3339), roughly(time.Since(u.UpdatedAt)), u.Contents)
		}
	}
	return nil
}
