package control

import (
	"context"
	"net/url"
	"regexp"
	"strings"

	"github.com/kigo-dev/kigo"
)

const (
	maxBuildpacks   = 20
	buildpackURN    = "urn:buildpack:"
	maxBuildpackURL = 2048
)

var buildpackName = regexp.MustCompile(`^[a-z0-9][a-z0-9_.-]*(/[a-z0-9][a-z0-9_.-]*)?$`)

// SetBuildpacks replaces an app's buildpacks, in order; none means that the build
// detects one. Each is a URL or a name such as "heroku/nodejs".
func (c *Control) SetBuildpacks(ctx context.Context, a Actor, id kigo.AppID, names []string) (all []kigo.BuildpackInstallation, err error) {
	if all, err = parseBuildpacks(names); err != nil {
		return nil, err
	}
	return all, c.update(ctx, a, func(tx *change) error {
		if _, err := tx.app(id); err != nil {
			return err
		}
		if err := tx.SetBuildpackInstallations(id, all); err != nil {
			return err
		}
		return tx.emit("app.update", id, string(id), nil)
	})
}

func parseBuildpacks(names []string) ([]kigo.BuildpackInstallation, error) {
	if len(names) > maxBuildpacks {
		return nil, kigo.Invalid("Too many buildpacks: %d, the maximum is %d", len(names), maxBuildpacks)
	}
	all := make([]kigo.BuildpackInstallation, 0, len(names))
	for i, name := range names {
		b, err := parseBuildpack(name)
		if err != nil {
			return nil, err
		}
		b.Ordinal = i
		all = append(all, b)
	}
	return all, nil
}

// parseBuildpack understands "heroku/go", "go", "urn:buildpack:heroku/go" and
// URLs of git repositories and archives.
func parseBuildpack(s string) (b kigo.BuildpackInstallation, err error) {
	if err := checkText("Buildpack", s, maxBuildpackURL); err != nil {
		return b, err
	}
	name := strings.TrimPrefix(s, buildpackURN)
	if buildpackName.MatchString(name) {
		return kigo.BuildpackInstallation{URL: buildpackURN + name, Name: name}, nil
	}
	u, err := url.Parse(s)
	if err == nil && u.Host != "" {
		switch u.Scheme {
		case "https", "http", "git":
			return kigo.BuildpackInstallation{URL: s, Name: s}, nil
		}
	}
	return b, kigo.Invalid("The buildpack %q is neither a name such as heroku/nodejs nor an https URL", s)
}
