package client

import "encoding/json"

// Addon is a service attached to an app. This server provides none: their lists are empty.
type Addon = json.RawMessage
