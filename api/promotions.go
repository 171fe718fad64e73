package api

import (
	"errors"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/client"
	"github.com/kigo-dev/kigo/store"
)

func serializePromotion(p kigo.Promotion) client.PipelinePromotion {
	out := client.PipelinePromotion{CreatedAt: second(p.CreatedAt), ID: p.ID, Pipeline: client.IDRef{ID: p.Pipeline}, Status: "completed", UpdatedAt: second(p.CreatedAt)}
	out.Source.App.ID, out.Source.Release.ID = string(p.App), string(p.Release)
	return out
}

type appInBody struct {
	App *struct {
		ID *string `json:"id"`
	} `json:"app"`
	Release *struct {
		ID *string `json:"id"`
	} `json:"release"`
}

func (a *appInBody) id() string {
	if a == nil || a.App == nil {
		return ""
	}
	return value(a.App.ID)
}

// promotionCreate asks for deploy of the source, whose code it reads, and of each
// target.
func promotionCreate(c *call) (reply, error) {
	var in struct {
		Pipeline *ident      `json:"pipeline"`
		Source   *appInBody  `json:"source"`
		Targets  []appInBody `json:"targets"`
	}
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	if in.Pipeline.String() == "" || in.Source.id() == "" {
		return reply{}, kigo.Invalid("pipeline, source.app.id and targets are required.")
	}
	deploy := func(app kigo.App) error { return ctrl(c).Can(c.ctx(), c.actor, kigo.PermissionDeploy, app) }
	if err := c.findApp(in.Source.id()); err != nil {
		return reply{}, err
	}
	if err := deploy(c.app); err != nil {
		return reply{}, err
	}
	var targets []kigo.AppID
	for _, t := range in.Targets {
		targets = append(targets, kigo.AppID(t.id()))
	}
	release := ""
	if in.Source.Release != nil {
		release = value(in.Source.Release.ID)
	}
	p, err := ctrl(c).Promote(c.ctx(), c.actor, in.Pipeline.String(), c.app.ID, kigo.ReleaseID(release), targets, deploy)
	return created(serializePromotion(p)), err
}

// promotion finds {promotion} of the path in a pipeline that the actor may see.
func (c *call) promotion() (p kigo.Promotion, err error) {
	err = c.view(func(tx *store.Tx) error {
		p, err = tx.Promotion(c.param("promotion"))
		return err
	})
	if err == nil {
		if _, hidden := ctrl(c).Pipeline(c.ctx(), c.actor, p.Pipeline); hidden != nil {
			err = kigo.NotFound("pipeline promotion")
		}
	}
	return p, err
}

func promotionInfo(c *call) (reply, error) {
	p, err := c.promotion()
	return ok(serializePromotion(p)), err
}

func promotionTargetList(c *call) (reply, error) {
	p, err := c.promotion()
	if err != nil {
		return reply{}, err
	}
	show := func(t kigo.PromotionTarget) client.PipelinePromotionTarget {
		out := client.PipelinePromotionTarget{App: client.IDRef{ID: string(t.App)}, ErrorMessage: optional(t.Error), ID: t.ID,
			PipelinePromotion: client.IDRef{ID: p.ID}, Release: idRef(t.Release), Status: "succeeded"}
		if t.Error != "" {
			out.Status = "failed"
		}
		return out
	}
	return page(c, p.Targets, each(show), textKey("id", func(t kigo.PromotionTarget) string { return t.ID }))
}

// ofPipeline collects something of each app of {pipeline} that the actor may see.
func ofPipeline[T any](c *call, read func(*store.Tx, kigo.AppID) (T, error)) (all []T, err error) {
	p, err := c.pipeline()
	if err != nil {
		return nil, err
	}
	var parts []kigo.Coupling
	apps := map[kigo.AppID]kigo.App{}
	err = c.view(func(tx *store.Tx) error {
		parts, err = tx.Couplings(p.ID)
		for _, cp := range parts {
			app, aerr := tx.App(cp.App)
			apps[cp.App], err = app, errors.Join(err, aerr)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, cp := range parts {
		if ctrl(c).Can(c.ctx(), c.actor, kigo.PermissionView, apps[cp.App]) != nil {
			continue
		}
		err := c.view(func(tx *store.Tx) error {
			v, err := read(tx, cp.App)
			if err == nil {
				c.app, all = apps[cp.App], append(all, v)
			}
			return err
		})
		if err != nil && !errors.Is(err, kigo.ErrNotFound) {
			return nil, err
		}
	}
	return all, nil
}

// pipelineReleases answers with one release of each app of the pipeline.
func (c *call) pipelineReleases(read func(*store.Tx, kigo.AppID) (kigo.Release, error)) (reply, error) {
	all, err := ofPipeline(c, func(tx *store.Tx, id kigo.AppID) (client.Release, error) {
		r, err := read(tx, id)
		if err != nil {
			return client.Release{}, err
		}
		app, err := tx.App(id)
		c.app = app
		return c.serializeRelease(r), err
	})
	if err != nil {
		return reply{}, err
	}
	return page(c, all, as, textKey("id", func(r client.Release) string { return r.ID }))
}

func pipelineLatestReleases(c *call) (reply, error) {
	return c.pipelineReleases(func(tx *store.Tx, id kigo.AppID) (kigo.Release, error) { return tx.LatestRelease(id) })
}

// pipelineLatestDeployments are the newest releases that brought other code.
func pipelineLatestDeployments(c *call) (reply, error) {
	return c.pipelineReleases(func(tx *store.Tx, id kigo.AppID) (kigo.Release, error) {
		all, err := tx.Releases(id) // newest first
		for i, r := range all {
			if r.Slug != "" && (i+1 == len(all) || all[i+1].Slug != r.Slug) {
				return r, err
			}
		}
		return kigo.Release{}, errors.Join(err, kigo.NotFound("release"))
	})
}

func pipelineLatestBuilds(c *call) (reply, error) {
	all, err := ofPipeline(c, func(tx *store.Tx, id kigo.AppID) (client.PipelineBuild, error) {
		builds, err := tx.Builds(id)
		if err != nil || len(builds) == 0 {
			return client.PipelineBuild{}, errors.Join(err, kigo.NotFound("build"))
		}
		newest := builds[0]
		for _, b := range builds {
			if b.CreatedAt.After(newest.CreatedAt) {
				newest = b
			}
		}
		c.app, err = tx.App(id)
		return client.PipelineBuild{Build: c.serializeBuild(newest)}, err
	})
	if err != nil {
		return reply{}, err
	}
	return page(c, all, as, textKey("id", func(b client.PipelineBuild) string { return b.ID }))
}

// pipelineStackInfo is the stack that apps of the pipeline are built on: the
// newest app's, or the platform's own.
func pipelineStackInfo(c *call) (reply, error) {
	all, err := ofPipeline(c, func(tx *store.Tx, id kigo.AppID) (kigo.App, error) { return tx.App(id) })
	if err != nil {
		return reply{}, err
	}
	name := c.s.Stacks[0]
	if len(all) > 0 {
		name = all[len(all)-1].BuildStack
	}
	return ok(map[string]any{"stack": fixedRef("stack", name)}), nil
}

// filterApps answers with those of the named apps that the actor may see.
func filterApps(c *call) (reply, error) {
	var in struct {
		In *struct {
			ID []string `json:"id"`
		} `json:"in"`
	}
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	if in.In == nil || len(in.In.ID) > 1000 {
		return reply{}, kigo.Invalid("in.id is required: at most 1000 ids of apps.")
	}
	wanted := map[kigo.AppID]bool{}
	for _, id := range in.In.ID {
		wanted[kigo.AppID(id)] = true
	}
	var apps []kigo.App
	err := c.view(func(tx *store.Tx) error {
		all, err := tx.AppsOf(c.actor.ID)
		for _, a := range all {
			if wanted[a.ID] {
				apps = append(apps, a)
			}
		}
		return err
	})
	if err != nil {
		return reply{}, err
	}
	return page(c, apps, c.teamApps, textKey("id", func(a kigo.App) string { return string(a.ID) }))
}
