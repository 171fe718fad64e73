package cli

import (
	"cmp"
	"errors"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/kigo-dev/kigo/client"
)

// nextStage is where code of a stage is promoted to; empty when there is none.
func nextStage(stage string) string {
	i := slices.Index(stages, stage)
	if i < 0 || i+1 == len(stages) {
		return ""
	}
	return stages[i+1]
}

// pipelinePromote releases the code of an app on those of the next stage, or on the named ones.
func pipelinePromote(c *call) error {
	printJSON := c.onlyJSON()
	c.println("Fetching app info...")
	place, err := c.api.PipelineCoupling(c, c.app)
	if err != nil {
		return err
	}
	c.println("Fetching apps from %s...", place.Pipeline.Name)
	apps, err := c.pipelineApps(place.Pipeline.ID)
	if err != nil {
		return err
	}
	targets, label, err := c.promotionTargets(place, apps)
	if err != nil {
		return err
	}
	type target struct {
		App client.IDRef `json:"app"`
	}
	body := struct {
		Pipeline client.IDRef `json:"pipeline"`
		Source   target       `json:"source"`
		Targets  []target     `json:"targets"`
	}{Pipeline: client.IDRef{ID: place.Pipeline.ID}, Source: target{place.App}}
	for _, t := range targets {
		body.Targets = append(body.Targets, target{client.IDRef{ID: t.ID}})
	}
	c.println("%s...", label)
	var promotion client.PipelinePromotion
	if err := c.send("POST", body, &promotion, "pipeline-promotions"); err != nil {
		return err
	}
	c.println("Waiting for promotion to complete...")
	done, err := c.awaitPromotion(promotion.ID)
	if err != nil {
		return err
	}
	failed := c.promoted(done, apps)
	return errors.Join(printJSON(done), failed)
}

// promotionTargets are the apps that get the code, and what is said of it.
func (c *call) promotionTargets(place client.PipelineCoupling, apps []pipelineApp) (targets []pipelineApp, label string, err error) {
	if to := c.str("to"); to != "" {
		names := slices.DeleteFunc(strings.Split(to, ","), func(s string) bool { return s == "" })
		for _, name := range names {
			if name == c.app {
				return nil, "", sentence("Cannot promote from an app to itself: %s. Specify a different target app.", name)
			}
			i := slices.IndexFunc(apps, func(a pipelineApp) bool { return a.Name == name || a.ID == name })
			if i < 0 {
				return nil, "", sentence("Cannot find app %s", name)
			}
			targets = append(targets, apps[i])
		}
		return targets, "Starting promotion to apps: " + strings.Join(names, ","), nil
	}
	stage := nextStage(place.Stage)
	if stage == "" {
		return nil, "", sentence("Cannot promote %s from '%s' stage", c.app, place.Stage)
	}
	for _, a := range apps {
		if a.Coupling.Stage == stage {
			targets = append(targets, a)
		}
	}
	if len(targets) == 0 {
		return nil, "", sentence("Cannot promote from %s as there are no downstream apps in %s stage", c.app, stage)
	}
	return targets, "Starting promotion to " + stage, nil
}

// awaitPromotion waits for the end, and shows the release command of an only target.
func (c *call) awaitPromotion(id string) ([]client.PipelinePromotionTarget, error) {
	shown := false
	for {
		targets, err := all[client.PipelinePromotionTarget](c, "pipeline-promotions", id, "promotion-targets")
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(targets, func(t client.PipelinePromotionTarget) bool { return t.Status == "pending" }) {
			return targets, nil
		}
		if len(targets) == 1 && targets[0].Release != nil && !shown {
			shown = true
			if err := c.showPromotionRelease(targets[0]); err != nil {
				return nil, err
			}
			continue
		}
		if err := pause(c, time.Second); err != nil {
			return nil, err
		}
	}
}

func (c *call) showPromotionRelease(t client.PipelinePromotionTarget) error {
	c.println("Fetching release info...")
	r, err := c.api.Release(c, t.App.ID, t.Release.ID)
	if err != nil || r.OutputStreamURL == nil {
		return err
	}
	c.println("Running release command...")
	return c.showOutput(*r.OutputStreamURL, "Release command not started yet. See it later with kigo releases:output.")
}

// promoted says what came of a promotion; it ends with 1 when some app did not get the code.
func (c *call) promoted(targets []client.PipelinePromotionTarget, apps []pipelineApp) error {
	var pairs []pair
	var failed error
	for _, t := range targets {
		i := slices.IndexFunc(apps, func(a pipelineApp) bool { return a.ID == t.App.ID })
		name := t.App.ID
		if i >= 0 {
			name = apps[i].Name
		}
		p := one(name, t.Status)
		if t.Status != "succeeded" {
			failed = &failure{status: 1}
		}
		if t.Status == "failed" {
			p.values = append(p.values, deref(t.ErrorMessage))
		}
		pairs = append(pairs, p)
	}
	if failed == nil {
		c.println("\nPromotion successful")
	} else {
		c.warn("\nPromotion to some apps failed")
	}
	c.object(pairs)
	return failed
}

// pipelineDiff compares commits, without a look at a repository elsewhere as Heroku's does.
func pipelineDiff(c *call) error {
	place, err := c.api.PipelineCoupling(c, c.app)
	if client.IsNotFound(err) {
		return usage(2, "This app (%s) does not seem to be a part of any pipeline", c.app)
	}
	if err != nil {
		return err
	}
	c.begin("Fetching apps from pipeline")
	apps, err := c.pipelineApps(place.Pipeline.ID)
	if err := c.ended(err); err != nil {
		return err
	}
	stage := nextStage(place.Stage)
	if stage == "" {
		return usage(2, "Unable to diff %s", c.app)
	}
	apps = slices.DeleteFunc(apps, func(a pipelineApp) bool { return a.Coupling.Stage != stage })
	if len(apps) == 0 {
		return usage(2, "Cannot diff %s as there are no downstream apps configured", c.app)
	}
	c.begin("Fetching release info for all apps")
	mine, err := c.deployedCommit(c.app)
	theirs := make([]string, len(apps))
	for i, a := range apps {
		if err == nil {
			theirs[i], err = c.deployedCommit(a.Name)
		}
	}
	if err := c.ended(err); err != nil {
		return err
	}
	if mine == "" {
		return usage(2, "No release was found for %s, unable to diff", c.app)
	}
	for i, a := range apps {
		switch theirs[i] {
		case mine:
			c.println("\n%s is up to date with %s", c.app, a.Name)
		case "":
			c.println("\n%s was not compared to %s as %s does not have any releases", c.app, a.Name, a.Name)
		default:
			c.println("\n%s runs %.7s, %s runs %.7s", c.app, mine, a.Name, theirs[i])
			if commitForm.MatchString(mine) && commitForm.MatchString(theirs[i]) {
				c.println("In your repository: git log %.7s..%.7s", theirs[i], mine)
			}
		}
	}
	return nil
}

var commitForm = regexp.MustCompile(`^[0-9a-f]{40}$`)

// deployedCommit is the commit, or else the checksum or id of the slug, of what an app runs; empty
// before its first deploy.
func (c *call) deployedCommit(app string) (string, error) {
	releases, err := c.api.Releases(c, app, client.ListOptions{Desc: true, Max: 100})
	if err != nil {
		return "", err
	}
	i := slices.IndexFunc(releases, func(r client.Release) bool { return r.Status == "succeeded" })
	if i < 0 || releases[i].Slug == nil {
		return "", nil
	}
	s, err := get[client.Slug](c, "apps", app, "slugs", releases[i].Slug.ID)
	return cmp.Or(deref(s.Commit), strings.TrimPrefix(deref(s.Checksum), "SHA256:"), s.ID), err
}
