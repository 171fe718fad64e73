package toolchain

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/Masterminds/semver/v3"
)

// ErrNoVersion is a range that no released version is in.
var ErrNoVersion = errors.New("no such version")

// resolveLimit is how long a registry may take to list versions.
const resolveLimit = 45 * time.Second

// Resolve finds the newest released version of a kind in a semver range such as
// "22.x", ">=20 <25" or "1.25". When the registry is out of reach, the newest of
// the versions at hand that is in the range will do.
func Resolve(ctx context.Context, kind, want string, have []string) (string, error) {
	if exact.MatchString(want) {
		return want, nil
	}
	in, err := parseRange(kind, want)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, resolveLimit)
	defer cancel()
	all, err := versions(ctx, kind)
	if err != nil {
		if v := newest(have, in); v != "" {
			return v, nil
		}
		return "", fmt.Errorf("list the versions of %s: %w", kind, err)
	}
	if v := newest(all, in); v != "" {
		return v, nil
	}
	return "", fmt.Errorf("%s %q: %w", kind, want, ErrNoVersion)
}

var (
	exact   = regexp.MustCompile(`^[0-9]+\.[0-9]+\.[0-9]+$`)
	goMinor = regexp.MustCompile(`^1\.[0-9]+$`)
)

// Pick finds the tool of a kind that Debian has for a version such as "3.1.7", "17"
// or "~> 3.1": an exact one of the operator's mirror, or Debian's own, whose last
// number is that of Debian's newest update and unknown before it is fetched.
func Pick(ctx context.Context, kind, want string) (Tool, error) {
	ctx, cancel := context.WithTimeout(ctx, resolveLimit)
	defer cancel()
	more, merr := mirrored(ctx)
	var have []string
	for t := range more {
		if t.Kind == kind {
			have = append(have, t.Version)
		}
	}
	slices.Sort(have)
	own := debianTools[kind].version
	in, err := parseRange(kind, want)
	if err != nil {
		return Tool{}, err
	}
	if v := newest(have, in); v != "" {
		return Tool{Kind: kind, Version: v}, nil
	}
	if want == own || strings.HasPrefix(want, own+".") || newest([]string{own, own + ".0", own + ".99"}, in) != "" {
		return Tool{Kind: kind, Version: own}, nil
	}
	err = fmt.Errorf("%s %s: %w; there is %s", kind, want, ErrNoVersion, strings.Join(append(have, own), ", "))
	if merr != nil {
		err = fmt.Errorf("%w, and the operator's mirror cannot be asked: %w", err, merr)
	}
	return Tool{}, err
}

// versions lists what the sources of a kind have, the operator's mirror among
// them. One that fails is no matter as long as another answers.
func versions(ctx context.Context, kind string) ([]string, error) {
	all, err := ownVersions(ctx, kind)
	more, merr := mirrored(ctx)
	for t := range more {
		if t.Kind == kind {
			all = append(all, t.Version)
		}
	}
	if len(all) > 0 {
		return all, nil
	}
	return nil, errors.Join(err, merr)
}

func ownVersions(ctx context.Context, kind string) ([]string, error) {
	if kind == "go" {
		return goVersions(ctx)
	}
	if t, ok := debianTools[kind]; ok {
		return []string{t.version}, nil
	}
	meta, err := npmMetadata(ctx, kind)
	if err != nil {
		return nil, err
	}
	var all []string
	for v := range meta.Versions {
		all = append(all, v)
	}
	return all, nil
}

// parseRange reads what people write in engines: npm's ranges, where a space
// means "and", a bare "22" any 22, and "latest" or "lts" the newest.
func parseRange(kind, want string) (func(*semver.Version) bool, error) {
	want = strings.TrimSpace(want)
	switch want {
	case "", "*", "latest", "stable", "current", "node", "lts", "lts/*":
		if strings.HasPrefix(want, "lts") && kind == "node" {
			return func(v *semver.Version) bool { return v.Prerelease() == "" && v.Major()%2 == 0 }, nil
		}
		return func(v *semver.Version) bool { return v.Prerelease() == "" }, nil
	}
	text := want
	if kind == "go" && goMinor.MatchString(want) {
		text = "~" + want + ".0"
	}
	c, err := semver.NewConstraint(text)
	if err != nil {
		return nil, fmt.Errorf("%q is not a version or a range of versions of %s", want, kind)
	}
	return c.Check, nil
}

// newest picks the highest version that is in the range.
func newest(all []string, in func(*semver.Version) bool) string {
	var found []*semver.Version
	for _, s := range all {
		if v, err := semver.NewVersion(s); err == nil && in(v) {
			found = append(found, v)
		}
	}
	if len(found) == 0 {
		return ""
	}
	return slices.MaxFunc(found, func(a, b *semver.Version) int { return a.Compare(b) }).Original()
}
