package static

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Config is static.json.
type Config struct {
	Root      string              `json:"root"`
	CleanURLs bool                `json:"clean_urls"`
	Routes    Rules[string]       `json:"routes"`
	Redirects Rules[Redirect]     `json:"redirects"`
	ErrorPage string              `json:"error_page"`
	Headers   Rules[HeaderValues] `json:"headers"`
	HTTPSOnly bool                `json:"https_only"`
	Canonical string              `json:"canonical_host"`
	Proxies   map[string]Proxy    `json:"proxies"` // by the paths that they begin with
	BasicAuth bool                `json:"basic_auth"`
	AuthFile  string              `json:"basic_auth_htpasswd_path"` // of the app; default .htpasswd
	Encoding  string              `json:"encoding"`                 // of text; default UTF-8

	unsupported []string // what Heroku's knew beyond these
}

// Proxy passes requests on.
type Proxy struct {
	Origin string `json:"origin"` // an http or https URL
}

// Redirect sends a path elsewhere.
type Redirect struct {
	URL    string `json:"url"`
	Status int    `json:"status"` // default 301
}

// HeaderValues are headers of an answer.
type HeaderValues map[string]string

// UnmarshalJSON takes numbers and booleans for their text.
func (h *HeaderValues) UnmarshalJSON(b []byte) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var values map[string]any
	if err := d.Decode(&values); err != nil {
		return err
	}
	*h = HeaderValues{}
	for name, v := range values {
		switch v.(type) {
		case string, json.Number, bool:
			(*h)[name] = fmt.Sprint(v)
		default:
			return fmt.Errorf("the value of the header %s is no text", name)
		}
	}
	return nil
}

// Rules are patterns of paths with something for each, in the order of the file.
type Rules[T any] []Rule[T]

// Rule is one of them.
type Rule[T any] struct {
	Pattern *regexp.Regexp
	Value   T
}

// UnmarshalJSON reads an object and keeps the order of its keys.
func (r *Rules[T]) UnmarshalJSON(b []byte) error {
	d := json.NewDecoder(bytes.NewReader(b))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return errors.New("an object of patterns is needed")
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return err
		}
		var rule Rule[T]
		if err := d.Decode(&rule.Value); err != nil {
			return fmt.Errorf("%v: %w", key, err)
		}
		rule.Pattern = pattern(fmt.Sprint(key))
		*r = append(*r, rule)
	}
	return nil
}

// last is the last rule that a path matches; it wins, as with Heroku's.
func (r Rules[T]) last(p string) (T, bool) {
	for _, rule := range slices.Backward(r) {
		if rule.Pattern.MatchString(p) {
			return rule.Value, true
		}
	}
	var zero T
	return zero, false
}

// first is the first rule that a path matches.
func (r Rules[T]) first(p string) (T, bool) {
	for _, rule := range r {
		if rule.Pattern.MatchString(p) {
			return rule.Value, true
		}
	}
	var zero T
	return zero, false
}

// pattern reads a path in which ** is anything and * anything but a slash.
func pattern(glob string) *regexp.Regexp {
	if !strings.HasPrefix(glob, "/") {
		glob = "/" + glob
	}
	text := regexp.QuoteMeta(glob)
	text = strings.ReplaceAll(text, `\*\*`, `.*`)
	text = strings.ReplaceAll(text, `\*`, `[^/]*`)
	return regexp.MustCompile("^" + text + "$")
}

// known are the keys of static.json that have an effect.
var known = []string{"root", "clean_urls", "routes", "redirects", "error_page", "headers", "https_only", "canonical_host", "encoding", "debug",
	"proxies", "basic_auth", "basic_auth_htpasswd_path"}

// ReadConfig reads static.json of an app. Without it the folder public_html is
// served, or else the app's own.
func ReadConfig(dir string) (Config, error) {
	text, err := os.ReadFile(filepath.Join(dir, "static.json"))
	if errors.Is(err, fs.ErrNotExist) {
		if st, err := os.Stat(filepath.Join(dir, "public_html")); err == nil && st.IsDir() {
			return Config{Root: "public_html"}, nil
		}
		return Config{Root: "."}, nil
	}
	if err != nil {
		return Config{}, err
	}
	return ParseConfig(text)
}

// ParseConfig reads the text of static.json.
func ParseConfig(text []byte) (Config, error) {
	c := Config{Root: "public_html"}
	if err := json.Unmarshal(text, &c); err != nil {
		return c, fmt.Errorf("static.json cannot be read: %w", err)
	}
	c.Root = path.Clean(strings.TrimLeft(c.Root, "/"))
	if !filepath.IsLocal(c.Root) {
		return c, fmt.Errorf("static.json: root %q is outside of the app", c.Root)
	}
	for i, r := range c.Redirects {
		if r.Value.Status == 0 {
			c.Redirects[i].Value.Status = 301
		}
		if s := c.Redirects[i].Value.Status; s < 300 || s > 308 || r.Value.URL == "" {
			return c, fmt.Errorf("static.json: a redirect needs a url and a status from 300 to 308, not %q and %d", r.Value.URL, s)
		}
	}
	for path, proxy := range c.Proxies {
		if _, err := originOf(proxy.Origin); err != nil && !variable.MatchString(proxy.Origin) {
			return c, fmt.Errorf("static.json: proxy %s: %w", path, err)
		}
	}
	var all map[string]json.RawMessage
	json.Unmarshal(text, &all) //nolint:errcheck // it was an object a moment ago
	for name := range all {
		if !slices.Contains(known, name) {
			c.unsupported = append(c.unsupported, name)
		}
	}
	slices.Sort(c.unsupported)
	return c, nil
}

// variable is how static.json names a config var.
var variable = regexp.MustCompile(`\$\{(\w+)\}`)

// Expand puts config vars in where static.json may name them. One that is not set
// stays as it is written.
func (c Config) Expand(get func(string) (string, bool)) Config {
	expand := func(text string) string {
		return variable.ReplaceAllStringFunc(text, func(name string) string {
			if value, ok := get(name[2 : len(name)-1]); ok {
				return value
			}
			return name
		})
	}
	c.Canonical = expand(c.Canonical)
	c.Redirects = slices.Clone(c.Redirects)
	for i := range c.Redirects {
		c.Redirects[i].Value.URL = expand(c.Redirects[i].Value.URL)
	}
	proxies := map[string]Proxy{}
	for path, proxy := range c.Proxies {
		proxies[path] = Proxy{Origin: expand(proxy.Origin)}
	}
	c.Proxies = proxies
	if _, ok := get("BASIC_AUTH_USERNAME"); ok {
		c.BasicAuth = true
	}
	return c
}
