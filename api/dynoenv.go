package api

import (
	"bytes"
	"encoding/json"
	"strconv"

	"github.com/kigo-dev/kigo"
)

// dynoEnv is the env of a one-off dyno. Its values are text, but the official
// CLI gives a terminal's COLUMNS and LINES as numbers.
type dynoEnv map[string]string

func (e *dynoEnv) UnmarshalJSON(data []byte) error {
	var given map[string]any
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber() // a number's own digits
	if err := dec.Decode(&given); err != nil {
		return kigo.Invalid("Invalid value %.40s for env: it must be an object of strings.", data)
	}
	*e = make(dynoEnv, len(given))
	for name, v := range given {
		switch v := v.(type) {
		case string:
			(*e)[name] = v
		case json.Number:
			(*e)[name] = v.String()
		case nil:
		default:
			return kigo.Invalid("The value of %.40s in env must be a string.", strconv.Quote(name))
		}
	}
	return nil
}
