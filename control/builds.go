package control

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/kigo-dev/kigo"
)

const maxSource = 8 << 10

var checksum = regexp.MustCompile(`^SHA256:[0-9a-fA-F]{64}$`)

// CreateBuild asks for a build of a source, with the buildpacks given or else the
// app's. The build loop takes it from there; Output is where its output will be.
func (c *Control) CreateBuild(ctx context.Context, a Actor, id kigo.AppID, s kigo.Source, buildpacks []string) (b kigo.Build, err error) {
	if err := checkSource(s); err != nil {
		return b, err
	}
	packs, err := parseBuildpacks(buildpacks)
	if err != nil {
		return b, err
	}
	err = c.update(ctx, a, func(tx *change) error {
		app, err := tx.app(id)
		if err != nil {
			return err
		}
		if len(packs) == 0 {
			if packs, err = tx.BuildpackInstallations(id); err != nil {
				return err
			}
		}
		b, err = tx.newBuild(app, s, packs)
		return err
	})
	return b, err
}

func (c *change) newBuild(app kigo.App, s kigo.Source, packs []kigo.BuildpackInstallation) (kigo.Build, error) {
	b := kigo.Build{
		ID: kigo.BuildID(uuid.NewString()), App: app.ID, User: c.actor.ID, UserEmail: c.actor.Email,
		Status: kigo.BuildPending, Stack: app.BuildStack, Source: s,
	}
	b.Output = "build-" + string(b.ID)
	for _, p := range packs {
		b.Buildpacks = append(b.Buildpacks, p.Name)
	}
	if err := c.CreateBuild(&b); err != nil {
		return b, err
	}
	c.byf(app.ID, "Build started")
	return b, c.emit("build.create", app.ID, string(b.ID), nil)
}

func checkSource(s kigo.Source) error {
	if s.Blob == "" {
		u, err := url.Parse(s.URL)
		if s.URL == "" || err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return kigo.Invalid("source_blob.url must be an http or https URL of a gzipped tar archive")
		}
	}
	if s.Checksum != "" && !checksum.MatchString(s.Checksum) {
		return kigo.Invalid("source_blob.checksum must be SHA256: and 64 hexadecimal digits")
	}
	for field, text := range map[string]string{"source_blob.url": s.URL, "source_blob.version": s.Version, "source_blob.version_description": s.Description} {
		if err := checkText(field, text, maxSource); err != nil {
			return err
		}
	}
	return nil
}

// CancelBuild ends a build that has not ended.
func (c *Control) CancelBuild(ctx context.Context, a Actor, id kigo.BuildID) (b kigo.Build, err error) {
	err = c.update(ctx, a, func(tx *change) error {
		if b, err = tx.Build(id); err != nil {
			return err
		}
		if b.Status != kigo.BuildPending {
			return kigo.Invalid("Build %s has ended already: it %s.", id, b.Status)
		}
		tx.byf(b.App, "Build cancelled")
		return tx.endBuild(&b, "Build cancelled by user "+a.Email)
	})
	return b, err
}

// FailBuild ends a build that did not work; why is one line. Of a build that has
// failed already it changes nothing.
func (c *Control) FailBuild(ctx context.Context, id kigo.BuildID, why string) error {
	return c.update(ctx, Actor{}, func(tx *change) error {
		b, err := tx.Build(id)
		if err != nil || b.Status == kigo.BuildFailed {
			return err
		}
		if b.Status != kigo.BuildPending {
			return kigo.Conflict("Build %s has %s already.", id, b.Status)
		}
		tx.actor = Actor{ID: b.User, Email: b.UserEmail}
		line := "Build failed -- check your build output"
		if c.URL != "" {
			line += ": " + c.URL + "/apps/" + string(b.App) + "/builds/" + string(b.ID)
		}
		tx.logf(b.App, "%s", line)
		return tx.endBuild(&b, why)
	})
}

func (c *change) endBuild(b *kigo.Build, why string) error {
	b.Status, b.Failure = kigo.BuildFailed, why
	if err := c.UpdateBuild(b); err != nil {
		return err
	}
	return c.emit("build.update", b.App, string(b.ID), map[string]string{"status": string(b.Status)})
}

// CompleteBuild ends a build that worked: its slug, the release of it and what
// follows, all at once. Of a build that is complete already it changes nothing
// and answers with the same release, so that it can be repeated after a crash.
func (c *Control) CompleteBuild(ctx context.Context, id kigo.BuildID, slug kigo.Slug) (r kigo.Release, err error) {
	return c.CompleteBuildWith(ctx, id, kigo.Made{Slug: slug})
}

// CompleteBuildWith is CompleteBuild for a build that also tells which buildpacks
// took part and what they want of an app's first release.
func (c *Control) CompleteBuildWith(ctx context.Context, id kigo.BuildID, made kigo.Made) (r kigo.Release, err error) {
	err = c.update(ctx, Actor{}, func(tx *change) error {
		b, err := tx.Build(id)
		if err != nil {
			return err
		}
		switch b.Status {
		case kigo.BuildSucceeded:
			r, err = tx.Release(b.Release)
			return err
		case kigo.BuildFailed:
			return kigo.Conflict("Build %s has failed already: %s.", id, b.Failure)
		}
		tx.actor = Actor{ID: b.User, Email: b.UserEmail}
		app, err := tx.app(b.App)
		if err != nil {
			return err
		}
		r, err = tx.complete(&app, &b, made)
		return err
	})
	return r, err
}

func (c *change) complete(app *kigo.App, b *kigo.Build, made kigo.Made) (r kigo.Release, err error) {
	slug := made.Slug
	slug.App = app.ID
	if slug.Commit == "" {
		slug.Commit, slug.CommitDescription = b.Source.Version, b.Source.Description
	}
	if slug.Stack == "" {
		slug.Stack = b.Stack
	}
	if err := checkSlug(slug); err != nil {
		return r, fmt.Errorf("complete build %s: %w", b.ID, err)
	}
	if err := c.CreateSlug(&slug); err != nil {
		return r, err
	}
	description := deploy(b.Source.Version)
	c.byf(app.ID, "%s", description)
	vars, err := c.firstConfig(app.ID, made.Config)
	if err != nil {
		return r, err
	}
	if r, err = c.release(app, newRelease{slug: slug.ID, description: description, built: true, vars: vars}); err != nil {
		return r, err
	}
	if err := c.remember(app.ID, made); err != nil {
		return r, err
	}
	b.Status, b.Slug, b.Release, b.Resolved = kigo.BuildSucceeded, slug.ID, r.ID, made.Buildpacks
	if err := c.UpdateBuild(b); err != nil {
		return r, err
	}
	c.logf(app.ID, "Build succeeded")
	return r, c.emit("build.update", app.ID, string(b.ID), map[string]string{"status": string(b.Status)})
}

// firstConfig joins what a buildpack wants with an app's config vars, where they are
// not set, at its first release of code. It is nil when nothing changes.
func (c *change) firstConfig(app kigo.AppID, wanted kigo.ConfigVars) (kigo.ConfigVars, error) {
	if len(wanted) == 0 {
		return nil, nil
	}
	releases, err := c.Releases(app)
	if err != nil || slices.ContainsFunc(releases, func(r kigo.Release) bool { return r.Slug != "" }) {
		return nil, err
	}
	vars, err := c.ConfigVars(app)
	if err != nil {
		return nil, err
	}
	all := maps.Clone(vars)
	if all == nil {
		all = kigo.ConfigVars{}
	}
	for name, value := range wanted {
		if _, set := all[name]; !set && utf8.ValidString(value) && kigo.ValidateConfigVars(kigo.ConfigVars{name: value}) == nil {
			all[name] = value
		}
	}
	if kigo.ValidateConfigVars(all) != nil { // too much together: the app's own count
		return nil, nil //nolint:nilerr // it is no error of the build
	}
	return all, nil
}

// remember has later builds use the buildpack that was detected for an app's first.
func (c *change) remember(app kigo.AppID, made kigo.Made) error {
	if !made.Detected || made.Fallback || len(made.Buildpacks) != 1 {
		return nil
	}
	have, err := c.BuildpackInstallations(app)
	if err != nil || len(have) > 0 {
		return err
	}
	all, err := parseBuildpacks([]string{made.Buildpacks[0].Name})
	if err != nil {
		return nil //nolint:nilerr // a name that was never an app's own is not remembered
	}
	return c.SetBuildpackInstallations(app, all)
}
