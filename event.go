package kigo

import (
	"encoding/json"
	"time"
)

// Event records one change. Revisions are without gaps and never repeat: the
// table of events is the bus that loops follow, the audit trail and the source
// of webhooks.
type Event struct {
	Revision int64
	At       time.Time
	Kind     string // "app.create", "release.create", "dyno.state", …: noun, dot, verb
	App      AppID
	Key      string // id of the thing that changed
	Actor    string // e-mail of who asked; empty for the platform itself
	Origin   string // from where: the network address and the request's id; empty for the platform itself
	Payload  json.RawMessage
}
