package cli

import (
	"bufio"
	"cmp"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/kigo-dev/kigo/client"
)

func stageFlag(fs *pflag.FlagSet) {
	fs.StringP("stage", "s", "", "development, staging or production")
}

var pipelineCommands = []command{
	{name: "pipelines", short: "list pipelines", login: true, run: pipelineList},
	{name: "pipelines:add", args: "PIPELINE", short: "put an app into a pipeline", app: oneApp, login: true, run: pipelineAdd, flags: stageFlag},
	{name: "pipelines:create", args: "[NAME]", short: "make a pipeline with an app in it", app: oneApp, login: true, run: pipelineCreate, flags: func(fs *pflag.FlagSet) {
		stageFlag(fs)
		fs.StringP("team", "t", "", "the team that it shall belong to; by default you")
	}},
	{name: "pipelines:destroy", args: "PIPELINE", short: "remove a pipeline; its apps stay", login: true, run: pipelineDestroy},
	{name: "pipelines:diff", short: "compare the commit of an app with those of the next stage", app: oneApp, login: true, run: pipelineDiff},
	{name: "pipelines:info", args: "PIPELINE", short: "list the apps of a pipeline", login: true, run: pipelineInfo, flags: func(fs *pflag.FlagSet) {
		fs.Bool("json", false, "print JSON")
		fs.Bool("with-owners", false, "with whose each app is")
	}},
	{name: "pipelines:promote", short: "give the next stage the code of an app", app: oneApp, login: true, run: pipelinePromote, flags: func(fs *pflag.FlagSet) {
		fs.StringP("to", "t", "", "only these apps, divided by commas")
		fs.Bool("json", false, "print JSON")
	}},
	{name: "pipelines:remove", short: "take an app out of its pipeline", app: oneApp, login: true, run: pipelineRemove},
	{name: "pipelines:rename", args: "PIPELINE NAME", short: "rename a pipeline", login: true, run: pipelineRename},
	{name: "pipelines:transfer", args: "OWNER", short: "give a pipeline to a team or an account", login: true, run: pipelineTransfer, flags: func(fs *pflag.FlagSet) {
		fs.StringP("pipeline", "p", "", "the pipeline")
		fs.StringP("confirm", "c", "", "the pipeline's name, instead of being asked for it")
	}},
	{name: "pipelines:update", short: "put an app into another stage of its pipeline", app: oneApp, login: true, run: pipelineUpdate, flags: stageFlag},
}

// stages are in the order in which code is promoted.
var stages = []string{"development", "staging", "production"}

// stageNames are endings of apps' names that say which stage an app is.
var stageNames = []struct {
	stage  string
	ending *regexp.Regexp
}{
	{"development", regexp.MustCompile(`-(dev|development|uat|tst|test|qa)$`)},
	{"staging", regexp.MustCompile(`-(stg|staging)$`)},
	{"production", regexp.MustCompile(`-(prd|prod|production|admin|demo)$`)},
}

// guessPipeline is what an app's name says of its pipeline's name and its stage.
func guessPipeline(app string) (name, stage string) {
	for _, s := range stageNames {
		if s.ending.MatchString(app) {
			return s.ending.ReplaceAllString(app, ""), s.stage
		}
	}
	return app, "production"
}

// pipelineApp is an app with its place in a pipeline.
type pipelineApp struct {
	client.TeamApp
	Coupling client.PipelineCoupling `json:"pipelineCoupling"`
}

var uuidForm = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// pipeline finds a pipeline by id or name.
func (c *call) pipeline(which string) (p client.Pipeline, err error) {
	if uuidForm.MatchString(which) {
		return get[client.Pipeline](c, "pipelines", which)
	}
	found, err := client.All[client.Pipeline](c, c.api, "/pipelines?eq[name]="+url.QueryEscape(which))
	switch {
	case err != nil:
		return p, err
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		var ids []string
		for _, f := range found {
			ids = append(ids, f.ID)
		}
		return p, sentence("There are %d pipelines called %s. Say the id of one:\n%s", len(found), which, strings.Join(ids, "\n"))
	}
	return p, sentence("Pipeline not found")
}

// pipelineApps lists the apps of a pipeline, in the order of the server.
func (c *call) pipelineApps(id string) ([]pipelineApp, error) {
	couplings, err := all[client.PipelineCoupling](c, "pipelines", id, "pipeline-couplings")
	if err != nil {
		return nil, err
	}
	ids, places := []string{}, map[string]client.PipelineCoupling{}
	for _, p := range couplings {
		ids, places[p.App.ID] = append(ids, p.App.ID), p
	}
	var apps []client.TeamApp
	if err := c.send("POST", map[string]any{"in": map[string]any{"id": ids}}, &apps, "filters", "apps"); err != nil {
		return nil, err
	}
	out := []pipelineApp{}
	for _, a := range apps {
		out = append(out, pipelineApp{a, places[a.ID]})
	}
	return out, nil
}

func pipelineList(c *call) error {
	list, err := all[client.Pipeline](c, "pipelines")
	if err != nil {
		return err
	}
	c.header("My Pipelines")
	for _, p := range list {
		c.println("%s", p.Name)
	}
	return nil
}

func pipelineInfo(c *call) error {
	p, err := c.pipeline(c.arg(0))
	if err != nil {
		return err
	}
	apps, err := c.pipelineApps(p.ID)
	if err != nil {
		return err
	}
	if c.is("json") {
		return c.json(struct {
			Pipeline client.Pipeline `json:"pipeline"`
			Apps     []pipelineApp   `json:"apps"`
		}{p, apps})
	}
	owner, err := c.showPipeline(p, apps)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(apps, func(a pipelineApp) bool { return a.Owner.ID != p.Owner.ID }) {
		c.println("")
		c.warn("Some apps in this pipeline do not belong to %s.\n\nAll apps in a pipeline must have the same owner as the pipeline owner.\nTransfer these apps or change the pipeline owner in pipeline settings.\nSee https://devcenter.heroku.com/articles/pipelines for more info.", owner)
	}
	return nil
}

// showPipeline prints a pipeline with its apps by stage, and returns whose it is.
func (c *call) showPipeline(p client.Pipeline, apps []pipelineApp) (owner string, err error) {
	c.header("%s", p.Name)
	owner = p.Owner.ID
	if p.Owner.Type == "team" {
		t, err := get[client.Team](c, "teams", p.Owner.ID)
		if err != nil {
			return "", err
		}
		owner = t.Name + " (team)"
	} else if i := slices.IndexFunc(apps, func(a pipelineApp) bool { return a.Owner.ID == p.Owner.ID }); i >= 0 {
		owner = apps[i].Owner.Email
	}
	c.println("owner: %s\n", owner)
	order := append([]string{"development", "review"}, stages[1:]...)
	sorted := slices.Clone(apps)
	slices.SortFunc(sorted, func(a, b pipelineApp) int {
		return cmp.Or(cmp.Compare(slices.Index(order, a.Coupling.Stage), slices.Index(order, b.Coupling.Stage)), cmp.Compare(a.Name, b.Name))
	})
	heading := []string{"app name", "stage"}
	if c.is("with-owners") {
		heading = append(heading, "owner")
	}
	var rows [][]string
	for _, a := range sorted {
		row := []string{a.Name, a.Coupling.Stage}
		if c.is("with-owners") {
			email := a.Owner.Email
			if team, ok := strings.CutSuffix(email, "@herokumanager.com"); ok {
				email = team + " (team)"
			}
			row = append(row, email)
		}
		rows = append(rows, row)
	}
	c.table(heading, rows)
	return owner, nil
}

func pipelineCreate(c *call) error {
	in := bufio.NewReader(c.in)
	usualName, usualStage := guessPipeline(c.app)
	name, err := c.ask(in, "Pipeline name", c.arg(0), usualName)
	if err != nil {
		return err
	}
	stage, err := c.ask(in, "Stage of "+c.app, c.str("stage"), usualStage)
	if err != nil {
		return err
	}
	owner := client.PipelineOwner{Type: "user"}
	if t := c.str("team"); t != "" {
		team, err := get[client.Team](c, "teams", t)
		if err != nil {
			return err
		}
		owner = client.PipelineOwner{ID: team.ID, Type: "team"}
	} else {
		me, err := c.api.Account(c)
		if err != nil {
			return err
		}
		owner.ID = me.ID
	}
	c.begin("Creating %s pipeline", name)
	var p client.Pipeline
	if err := c.ended(c.send("POST", map[string]any{"name": name, "owner": owner}, &p, "pipelines")); err != nil {
		return err
	}
	return c.couple(p, stage)
}

func pipelineAdd(c *call) error {
	p, err := c.pipeline(c.arg(0))
	if err != nil {
		return err
	}
	_, usual := guessPipeline(c.app)
	stage, err := c.ask(bufio.NewReader(c.in), "Stage of "+c.app, c.str("stage"), usual)
	if err != nil {
		return err
	}
	return c.couple(p, stage)
}

func (c *call) couple(p client.Pipeline, stage string) error {
	doing := fmt.Sprintf("Adding %s to %s pipeline as %s", c.app, p.Name, stage)
	return c.act(doing, "POST", map[string]string{"app": c.app, "pipeline": p.ID, "stage": stage}, "pipeline-couplings")
}

func pipelineUpdate(c *call) error {
	stage, err := c.need("stage")
	if err != nil {
		return err
	}
	c.begin("Changing %s to %s", c.app, stage)
	place, err := c.api.PipelineCoupling(c, c.app)
	if err == nil {
		err = c.send("PATCH", map[string]string{"stage": stage}, nil, "pipeline-couplings", place.ID)
	}
	return c.ended(err)
}

func pipelineRemove(c *call) error {
	c.begin("Removing %s", c.app)
	place, err := c.api.PipelineCoupling(c, c.app)
	if err == nil {
		err = c.send("DELETE", nil, nil, "pipeline-couplings", place.ID)
	}
	return c.ended(err)
}

func pipelineDestroy(c *call) error {
	p, err := c.pipeline(c.arg(0))
	if err != nil {
		return err
	}
	return c.act("Destroying "+p.Name+" pipeline", "DELETE", nil, "pipelines", p.ID)
}

func pipelineRename(c *call) error {
	p, err := c.pipeline(c.arg(0))
	if err != nil {
		return err
	}
	return c.act("Renaming "+p.Name+" pipeline to "+c.arg(1), "PATCH", map[string]string{"name": c.arg(1)}, "pipelines", p.ID)
}

// pipelineOwner finds the team or else the account that a name means, with its kind.
func (c *call) pipelineOwner(name string) (owner client.PipelineOwner, kind string, err error) {
	team, err := get[client.Team](c, "teams", name)
	if err == nil {
		return client.PipelineOwner{ID: team.ID, Type: "team"}, "team", nil
	}
	person, err := get[client.Account](c, "users", name)
	if err == nil {
		return client.PipelineOwner{ID: person.ID, Type: "user"}, "account", nil
	}
	if client.IsNotFound(err) {
		err = sentence("Cannot find a team or account for %q", name)
	}
	return owner, "", err
}

func pipelineTransfer(c *call) error {
	name, err := c.need("pipeline")
	if err != nil {
		return err
	}
	p, err := c.pipeline(name)
	if err != nil {
		return err
	}
	owner, kind, err := c.pipelineOwner(c.arg(0))
	if err != nil {
		return err
	}
	confirmed := c.str("confirm")
	if confirmed == "" {
		apps, err := c.pipelineApps(p.ID)
		if err != nil {
			return err
		}
		if _, err := c.showPipeline(p, apps); err != nil {
			return err
		}
		c.println("")
		c.warn("This will transfer %s and all of the listed apps to the %s %s", p.Name, c.arg(0), kind)
		c.warn("to proceed, type %s or re-run this command with --confirm %s", p.Name, p.Name)
		line, _ := bufio.NewReader(c.in).ReadString('\n')
		confirmed = strings.TrimSpace(line)
	}
	if confirmed != p.Name {
		c.warn("Confirmation did not match %s. Aborted.", p.Name)
		return nil
	}
	body := map[string]any{"new_owner": owner, "pipeline": client.IDRef{ID: p.ID}}
	return c.act(fmt.Sprintf("Transferring %s pipeline to the %s %s", p.Name, c.arg(0), kind), "POST", body, "pipeline-transfers")
}
