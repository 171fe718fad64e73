package router

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/kigo-dev/kigo"
)

// Snapshot is everything the router knows: complete, and immutable once sent.
// As JSON it crosses the socket and lies on disk.
type Snapshot struct {
	Revision int64 `json:"revision"` // of the event log; later snapshots have higher ones
	Apps     []App `json:"apps"`
}

// App is one app as the router sees it.
type App struct {
	ID              kigo.AppID `json:"id"`
	Name            string     `json:"name"`
	Hosts           []string   `json:"hosts"` // lower case, without port; "*.example.com" is a wildcard
	Released        bool       `json:"released"`
	Maintenance     bool       `json:"maintenance,omitempty"`
	Suspended       bool       `json:"suspended,omitempty"`        // its dyno hours are used up
	ErrorPage       string     `json:"error_page,omitempty"`       // ERROR_PAGE_URL
	MaintenancePage string     `json:"maintenance_page,omitempty"` // MAINTENANCE_PAGE_URL
	Affinity        bool       `json:"affinity,omitempty"`         // session affinity by cookie
	WebQuantity     int        `json:"web_quantity"`               // how many web dynos are wanted
	Dynos           []Dyno     `json:"dynos"`                      // web dynos only
}

// Dyno is one web dyno. Requests go to those that are up.
type Dyno struct {
	ID    kigo.DynoID    `json:"id"`
	Name  string         `json:"name"` // "web.1"
	Addr  string         `json:"addr"` // ip:port
	State kigo.DynoState `json:"state"`
}

// Validate reports the first thing in a snapshot that cannot be.
func (s *Snapshot) Validate() error {
	for _, a := range s.Apps {
		if a.ID == "" || a.Name == "" {
			return fmt.Errorf("check snapshot %d: an app without id or name", s.Revision)
		}
		for _, d := range a.Dynos {
			if d.ID == "" || d.State == kigo.DynoUp && d.Addr == "" {
				return fmt.Errorf("check snapshot %d: %s of %s has no id or no address", s.Revision, d.Name, a.Name)
			}
		}
	}
	return nil
}

// readSnapshot reads what an earlier process kept; nil when there is nothing.
func readSnapshot(path string) (*Snapshot, error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read snapshot: %w", err)
	}
	s := new(Snapshot)
	if err := json.Unmarshal(text, s); err != nil {
		return nil, fmt.Errorf("read snapshot %s: %w", path, err)
	}
	return s, s.Validate()
}

// writeSnapshot replaces the file at path, so that a crash at any instant leaves
// the old one or the new one.
func writeSnapshot(path string, text []byte) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("write snapshot: %w", err)
	}
	f, err := os.CreateTemp(dir, ".snapshot-*")
	if err != nil {
		return fmt.Errorf("write snapshot: %w", err)
	}
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return fmt.Errorf("write snapshot: %w", err)
	}
	return nil
}
