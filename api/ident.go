package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/kigo-dev/kigo"
)

// ident names another resource in a body: a string with its id or name, or, as
// some clients send, an object of id or name.
type ident string

// UnmarshalJSON implements json.Unmarshaler.
func (i *ident) UnmarshalJSON(data []byte) error {
	if bytes.HasPrefix(data, []byte("{")) {
		var o struct{ ID, Name string }
		if err := json.Unmarshal(data, &o); err != nil {
			return err
		}
		*i = ident(o.ID)
		if o.ID == "" {
			*i = ident(o.Name)
		}
		return nil
	}
	var s string
	if err := json.Unmarshal(data, &s); err != nil {
		return fmt.Errorf("%w", kigo.Invalid("Invalid value %.40s: it must be a string with an id or a name.", data))
	}
	*i = ident(s)
	return nil
}

func (i *ident) String() string {
	if i == nil {
		return ""
	}
	return string(*i)
}

// stackName turns a stack's id into its name; anything else stays as it is.
func (s *Server) stackName(idOrName string) string {
	for _, name := range s.Stacks {
		if idOrName == fixedID("stack", name) {
			return name
		}
	}
	return idOrName
}

// regionName turns a region's id into its name; anything else stays as it is.
func (s *Server) regionName(idOrName string) string {
	for _, name := range s.regions() {
		if idOrName == fixedID("region", name) {
			return name
		}
	}
	return idOrName
}

func (s *Server) gitURL(r *http.Request, app string) string {
	if s.GitURL != nil {
		return s.GitURL(r, app)
	}
	return s.baseURL(r) + "/" + app + ".git"
}
