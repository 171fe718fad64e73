package api

import (
	"errors"
	"strings"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/client"
	"github.com/kigo-dev/kigo/control"
	"github.com/kigo-dev/kigo/store"
)

// setupCreate makes an app of a source with an app.json: Heroku's button, and
// `kigo setup`. What the file lacks is told when it has been read, by setupInfo.
func setupCreate(c *call) (reply, error) {
	var in struct {
		App *struct {
			Name         *string `json:"name"`
			Region       *ident  `json:"region"`
			Stack        *ident  `json:"stack"`
			Space        *ident  `json:"space"`
			Organization *ident  `json:"organization"`
			Locked       *bool   `json:"locked"`
			Personal     *bool   `json:"personal"`
		} `json:"app"`
		SourceBlob *struct {
			URL      *string `json:"url"`
			Checksum *string `json:"checksum"`
			Version  *string `json:"version"`
		} `json:"source_blob"`
		Overrides *struct {
			Env        map[string]string `json:"env"`
			Buildpacks []struct {
				URL string `json:"url"`
			} `json:"buildpacks"`
		} `json:"overrides"`
	}
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	if in.SourceBlob == nil || value(in.SourceBlob.URL) == "" {
		return reply{}, kigo.Invalid("source_blob.url is required: it names a gzipped tar archive with an app.json.")
	}
	var n control.NewSetup
	if a := in.App; a != nil {
		switch {
		case a.Space.String() != "":
			return reply{}, kigo.NotFound("space")
		case value(a.Personal) && a.Organization.String() != "":
			return reply{}, kigo.Invalid("app.personal and app.organization exclude each other.")
		}
		n.App = control.NewApp{Name: value(a.Name), Region: c.s.regionName(a.Region.String()), Stack: c.s.stackName(a.Stack.String()),
			Team: a.Organization.String(), Locked: value(a.Locked)}
	}
	var err error
	if n.Source, err = c.s.source(*in.SourceBlob.URL); err != nil {
		return reply{}, err
	}
	n.Source.Checksum, n.Source.Version = value(in.SourceBlob.Checksum), value(in.SourceBlob.Version)
	if o := in.Overrides; o != nil {
		n.Env = o.Env
		for _, p := range o.Buildpacks {
			n.Buildpacks = append(n.Buildpacks, p.URL)
		}
	}
	s, app, err := ctrl(c).CreateSetup(c.ctx(), c.actor, n)
	return accepted(c.serializeSetup(s, app, kigo.Build{})), err
}

// setupInfo is for who may see the app.
func setupInfo(c *call) (reply, error) {
	var s kigo.Setup
	err := c.view(func(tx *store.Tx) (err error) {
		s, err = tx.Setup(c.param("setup"))
		return err
	})
	if err == nil {
		if err = c.findApp(string(s.App)); errors.Is(err, kigo.ErrNotFound) || errors.Is(err, kigo.ErrForbidden) {
			err = kigo.NotFound("app setup")
		}
	}
	if err != nil {
		return reply{}, err
	}
	var b kigo.Build
	if s.Build != "" {
		err = c.view(func(tx *store.Tx) (err error) {
			b, err = tx.Build(s.Build)
			return err
		})
	}
	return ok(c.serializeSetup(s, c.app, b)), err
}

func (c *call) serializeSetup(s kigo.Setup, app kigo.App, b kigo.Build) client.AppSetup {
	out := client.AppSetup{
		App: client.Ref{ID: string(app.ID), Name: app.Name}, CreatedAt: second(s.CreatedAt), FailureMessage: optional(s.Failure), ID: s.ID,
		ManifestErrors: append([]string{}, s.Errors...), Status: string(s.Status), UpdatedAt: second(s.UpdatedAt),
	}
	if b.ID != "" {
		out.Build = &client.SetupBuild{ID: string(b.ID), OutputStreamURL: c.streamURL(b.Output), Status: string(b.Status)}
	}
	if s.ExitCode != nil {
		out.Postdeploy = &client.Postdeploy{ExitCode: *s.ExitCode, Output: c.ended(kigo.PostdeployOutput(s.Postdeploy))}
	}
	if file, err := kigo.ParseAppJSON([]byte(s.AppJSON)); err == nil && s.Status == kigo.SetupSucceeded {
		url := file.SuccessURL
		if web := c.s.WebURL(app.Name); !strings.Contains(url, "://") {
			url = strings.TrimSuffix(web, "/") + "/" + strings.TrimPrefix(url, "/")
		}
		out.ResolvedSuccessURL = &url
	}
	return out
}
