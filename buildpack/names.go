package buildpack

import (
	"fmt"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
)

// Builtins are the names of the buildpacks in this program.
var Builtins = []string{"ruby", "nodejs", "python", "java", "gradle", "php", "go", "static", "procfile", "apt", "inline"}

// Order is that of detection. Names that are not built in count when the operator
// has a buildpack of that name. The last two are tried only when no language was
// found; what is not in it, such as apt, has to be asked for.
var Order = []string{"ruby", "nodejs", "clojure", "python", "java", "gradle", "scala", "php", "go", "static", "procfile"}

// Fallbacks of detection: no language of their own.
var Fallbacks = []string{"static", "procfile"}

// Ref is a buildpack as an app names it: a built-in, a git repository or a tarball.
type Ref struct {
	Name    string // "heroku/go", or the URL as given
	Builtin string // "go"; empty for a URL
	Git     string // URL of a repository
	Version string // branch, tag or commit in it; empty: its default
	Tarball string // URL of a .tgz or .tar.gz
	Folder  string // of the operator's own, inside the sandbox
}

var ownName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]*/[a-z0-9][a-z0-9_-]*$`)

// OwnName returns the OWNER/NAME under which an operator may keep the buildpack
// that an app asks for, or "".
func OwnName(s string) string {
	name := strings.TrimPrefix(strings.TrimSpace(s), "urn:buildpack:")
	if u, err := url.Parse(name); err == nil && registryName(u) != "" {
		name = "heroku/" + registryName(u)
	}
	if !ownName.MatchString(name) {
		return ""
	}
	return name
}

// Allowed reports whether one of the patterns, with a * for any text, is the whole
// name. Without patterns everything is allowed.
func Allowed(name string, patterns []string) bool {
	for _, p := range patterns {
		if like(name, p) {
			return true
		}
	}
	return len(patterns) == 0
}

func like(s, pattern string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return s == pattern
	}
	first, last := parts[0], parts[len(parts)-1]
	if len(s) < len(first)+len(last) || !strings.HasPrefix(s, first) || !strings.HasSuffix(s, last) {
		return false
	}
	s = s[len(first) : len(s)-len(last)]
	for _, part := range parts[1 : len(parts)-1] {
		n := strings.Index(s, part)
		if n < 0 {
			return false
		}
		s = s[n+len(part):]
	}
	return true
}

// Known lists the names that ParseRef takes for a built-in.
func Known() string {
	names := make([]string, len(Builtins))
	for i, n := range Builtins {
		names[i] = "heroku/" + n
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// ParseRef reads a registry name ("heroku/go"), a URN ("urn:buildpack:heroku/go"),
// the address of Heroku's registry for one of the names, or an https URL of a
// git repository (with #branch, #tag or #commit) or tarball.
func ParseRef(s string) (Ref, error) {
	name := strings.TrimPrefix(strings.TrimSpace(s), "urn:buildpack:")
	if !strings.Contains(name, "://") {
		return parseName(name)
	}
	u, err := url.Parse(name)
	if err != nil {
		return Ref{}, fmt.Errorf("%q is not a URL", s)
	}
	if b := registryName(u); b != "" {
		return Ref{Name: "heroku/" + b, Builtin: b}, nil
	}
	if u.Scheme != "https" || u.Host == "" {
		return Ref{}, fmt.Errorf("%q: only https:// URLs of buildpacks are allowed", name)
	}
	version := u.Fragment
	u.Fragment = ""
	if strings.HasPrefix(version, "-") || strings.ContainsAny(version, " \t\r\n\x00:") {
		return Ref{}, fmt.Errorf("%q is not a branch, tag or commit", version)
	}
	switch p := strings.ToLower(u.Path); {
	case strings.HasSuffix(p, ".tgz"), strings.HasSuffix(p, ".tar.gz"), strings.HasSuffix(p, ".tar"):
		return Ref{Name: name, Tarball: u.String()}, nil
	}
	return Ref{Name: name, Git: u.String(), Version: version}, nil
}

func parseName(name string) (Ref, error) {
	owner, short, _ := strings.Cut(name, "/")
	if (owner == "heroku" || owner == "heroku-community" || owner == "kigo") && slices.Contains(Builtins, short) {
		return Ref{Name: name, Builtin: short}, nil
	}
	return Ref{}, fmt.Errorf("%q is neither the https:// URL of a buildpack nor one of the names %s", name, Known())
}

// registryName finds the built-in behind the addresses that Heroku's own command
// line and older documentation use for it.
func registryName(u *url.URL) string {
	base := strings.TrimSuffix(strings.TrimSuffix(path.Base(u.Path), ".git"), ".tgz")
	base = strings.TrimPrefix(base, "heroku-buildpack-")
	switch {
	case !slices.Contains(Builtins, base) || u.Fragment != "":
	case strings.HasPrefix(u.Host, "buildpack-registry.s3.") && strings.HasPrefix(u.Path, "/buildpacks/heroku"):
		return base
	case u.Host == "codon-buildpacks.s3.amazonaws.com" && strings.HasPrefix(u.Path, "/buildpacks/heroku"):
		return base
	}
	return ""
}
