package nodejs

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// manifest is what package.json says of interest to a build.
type manifest struct {
	Engines          texts           `json:"engines"`
	Scripts          texts           `json:"scripts"`
	PackageManager   string          `json:"packageManager"`
	CacheDirectories list            `json:"cacheDirectories"`
	CacheDirs        list            `json:"cache_directories"`
	Dependencies     texts           `json:"dependencies"`
	DevDependencies  texts           `json:"devDependencies"`
	Workspaces       json.RawMessage `json:"workspaces"`
}

// texts is an object of strings; what else people put there is left out.
type texts map[string]string

func (s *texts) UnmarshalJSON(b []byte) error {
	var loose map[string]any
	_ = json.Unmarshal(b, &loose) // what is no object, such as the array that npm once allowed, is empty
	*s = texts{}
	for name, v := range loose {
		if text, ok := v.(string); ok {
			(*s)[name] = text
		}
	}
	return nil
}

// list is an array of strings, and nothing when it is something else.
type list []string

func (l *list) UnmarshalJSON(b []byte) error {
	var all []string
	if json.Unmarshal(b, &all) == nil {
		*l = all
	}
	return nil
}

func parseManifest(text []byte) (manifest, error) {
	var m manifest
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	if err := json.Unmarshal(text, &m); err != nil {
		return m, position(text, err)
	}
	return m, nil
}

// position tells the line of a syntax error.
func position(text []byte, err error) error {
	syntax, ok := err.(*json.SyntaxError) //nolint:errorlint // returned as it is by encoding/json
	if !ok {
		return err
	}
	line := 1 + bytes.Count(text[:min(int(syntax.Offset), len(text))], []byte("\n"))
	return fmt.Errorf("line %d: %w", line, err)
}
