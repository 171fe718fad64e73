package api

import (
	"errors"
	"slices"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/client"
	"github.com/kigo-dev/kigo/store"
)

func (c *call) serializePipeline(p kigo.Pipeline) client.Pipeline {
	return client.Pipeline{
		CreatedAt: second(p.CreatedAt), Generation: fixedRef("generation", generation), ID: p.ID, Name: p.Name,
		Owner: c.pipelineOwner(p.Owner), UpdatedAt: second(p.UpdatedAt),
	}
}

// pipelineOwner is a user, or a team that the actor is in.
func (c *call) pipelineOwner(id kigo.AccountID) client.PipelineOwner {
	owner := client.PipelineOwner{ID: string(id), Type: "user"}
	_ = c.view(func(tx *store.Tx) error {
		if _, err := tx.FindTeam(string(id)); err == nil {
			owner.Type = "team"
		}
		return nil
	})
	return owner
}

// pipelineList is of all of the actor's; Heroku's command line asks for those of one
// name by ?eq[name]=NAME, and asks its user which one when there are more.
func pipelineList(c *call) (reply, error) {
	var all []kigo.Pipeline
	err := c.view(func(tx *store.Tx) (err error) {
		all, err = tx.PipelinesOf(c.actor.ID)
		return err
	})
	if err != nil {
		return reply{}, err
	}
	if query := c.r.URL.Query(); query.Has("eq[name]") {
		all = slices.DeleteFunc(all, func(p kigo.Pipeline) bool { return p.Name != query.Get("eq[name]") })
	}
	return page(c, all, each(c.serializePipeline), textKey("id", func(p kigo.Pipeline) string { return p.ID }),
		textKey("name", func(p kigo.Pipeline) string { return p.Name }))
}

// pipeline finds {pipeline} of the path, by name or id.
func (c *call) pipeline() (kigo.Pipeline, error) {
	return ctrl(c).Pipeline(c.ctx(), c.actor, c.param("pipeline"))
}

func pipelineInfo(c *call) (reply, error) {
	p, err := c.pipeline()
	return ok(c.serializePipeline(p)), err
}

func pipelineCreate(c *call) (reply, error) {
	var in struct {
		Name  *string `json:"name"`
		Owner *struct {
			ID   *string `json:"id"`
			Type *string `json:"type"`
		} `json:"owner"`
	}
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	team := ""
	if o := in.Owner; o != nil && value(o.Type) == "team" {
		team = value(o.ID)
	} else if o != nil && value(o.ID) != "" && *o.ID != string(c.actor.ID) {
		return reply{}, kigo.Invalid("owner must be yourself or a team of yours: a pipeline can be transferred later.")
	}
	p, err := ctrl(c).CreatePipeline(c.ctx(), c.actor, value(in.Name), team)
	return created(c.serializePipeline(p)), err
}

func pipelineUpdate(c *call) (reply, error) {
	var in struct {
		Name *string `json:"name"`
	}
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	if in.Name == nil {
		return pipelineInfo(c)
	}
	p, err := ctrl(c).RenamePipeline(c.ctx(), c.actor, c.param("pipeline"), *in.Name)
	return ok(c.serializePipeline(p)), err
}

func pipelineDelete(c *call) (reply, error) {
	p, err := ctrl(c).DestroyPipeline(c.ctx(), c.actor, c.param("pipeline"))
	return ok(c.serializePipeline(p)), err
}

func pipelineTransferCreate(c *call) (reply, error) {
	type owner struct {
		ID   *string `json:"id"`
		Type *string `json:"type"`
	}
	var in struct {
		Pipeline *ident `json:"pipeline"`
		NewOwner *owner `json:"new_owner"`
	}
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	if in.Pipeline.String() == "" || in.NewOwner == nil || value(in.NewOwner.ID) == "" {
		return reply{}, kigo.Invalid("pipeline and new_owner are required.")
	}
	before, err := ctrl(c).Pipeline(c.ctx(), c.actor, in.Pipeline.String())
	if err != nil {
		return reply{}, err
	}
	p, err := ctrl(c).GivePipeline(c.ctx(), c.actor, in.Pipeline.String(), *in.NewOwner.ID)
	return created(client.PipelineTransfer{
		NewOwner: c.pipelineOwner(p.Owner), Pipeline: client.IDRef{ID: p.ID},
		PreviousOwner: c.pipelineOwner(before.Owner),
	}), err
}

func (c *call) couplingShow() (func(kigo.Coupling) client.PipelineCoupling, error) {
	names := map[string]string{}
	err := c.view(func(tx *store.Tx) error {
		all, err := tx.PipelinesOf(c.actor.ID)
		for _, p := range all {
			names[p.ID] = p.Name
		}
		return err
	})
	return func(cp kigo.Coupling) client.PipelineCoupling {
		return client.PipelineCoupling{
			App: client.IDRef{ID: string(cp.App)}, CreatedAt: second(cp.CreatedAt), Generation: fixedRef("generation", generation), ID: cp.ID,
			Pipeline: client.Ref{ID: cp.Pipeline, Name: names[cp.Pipeline]}, Stage: cp.Stage, UpdatedAt: second(cp.UpdatedAt),
		}
	}, err
}

func (c *call) couplingReply(wrap func(any) reply, cp kigo.Coupling, err error) (reply, error) {
	if err != nil {
		return reply{}, err
	}
	show, err := c.couplingShow()
	return wrap(show(cp)), err
}

func (c *call) couplingPage(of func(*store.Tx) ([]kigo.Pipeline, error)) (reply, error) {
	var all []kigo.Coupling
	err := c.view(func(tx *store.Tx) error {
		pipelines, err := of(tx)
		for _, p := range pipelines {
			some, cerr := tx.Couplings(p.ID)
			all, err = append(all, some...), errors.Join(err, cerr)
		}
		return err
	})
	if err != nil {
		return reply{}, err
	}
	show, err := c.couplingShow()
	if err != nil {
		return reply{}, err
	}
	return page(c, all, each(show), textKey("id", func(cp kigo.Coupling) string { return cp.ID }))
}

func couplingList(c *call) (reply, error) {
	return c.couplingPage(func(tx *store.Tx) ([]kigo.Pipeline, error) { return tx.PipelinesOf(c.actor.ID) })
}

func couplingListOfPipeline(c *call) (reply, error) {
	p, err := c.pipeline()
	if err != nil {
		return reply{}, err
	}
	return c.couplingPage(func(*store.Tx) ([]kigo.Pipeline, error) { return []kigo.Pipeline{p}, nil })
}

// couplingOfApp answers with an object, or 404 which the command line takes as none.
func couplingOfApp(c *call) (reply, error) {
	var cp kigo.Coupling
	err := c.view(func(tx *store.Tx) (err error) {
		cp, err = tx.CouplingOf(c.app.ID)
		return err
	})
	return c.couplingReply(ok, cp, err)
}

// coupling finds {coupling} of the path in a pipeline that the actor may see.
func (c *call) coupling() (cp kigo.Coupling, err error) {
	err = c.view(func(tx *store.Tx) error {
		cp, err = tx.Coupling(c.param("coupling"))
		return err
	})
	if err == nil {
		if _, hidden := ctrl(c).Pipeline(c.ctx(), c.actor, cp.Pipeline); hidden != nil {
			err = kigo.NotFound("pipeline coupling")
		}
	}
	return cp, err
}

func couplingInfo(c *call) (reply, error) {
	cp, err := c.coupling()
	return c.couplingReply(ok, cp, err)
}

func couplingCreate(c *call) (reply, error) {
	var in struct {
		App      *ident  `json:"app"`
		Pipeline *ident  `json:"pipeline"`
		Stage    *string `json:"stage"`
	}
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	if in.App.String() == "" || in.Pipeline.String() == "" {
		return reply{}, kigo.Invalid("app, pipeline and stage are required.")
	}
	if err := c.findApp(in.App.String()); err != nil {
		return reply{}, err
	}
	cp, err := ctrl(c).Couple(c.ctx(), c.actor, c.app.ID, in.Pipeline.String(), value(in.Stage))
	return c.couplingReply(created, cp, err)
}

// ownCoupling is coupling for who may operate its app.
func (c *call) ownCoupling() (kigo.Coupling, error) {
	cp, err := c.coupling()
	if err != nil {
		return cp, err
	}
	return cp, c.findApp(string(cp.App))
}

func couplingUpdate(c *call) (reply, error) {
	var in struct {
		Stage *string `json:"stage"`
	}
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	cp, err := c.ownCoupling()
	if err != nil {
		return reply{}, err
	}
	cp, err = ctrl(c).MoveCoupling(c.ctx(), c.actor, cp.ID, value(in.Stage))
	return c.couplingReply(ok, cp, err)
}

func couplingDelete(c *call) (reply, error) {
	cp, err := c.ownCoupling()
	if err != nil {
		return reply{}, err
	}
	cp, err = ctrl(c).Uncouple(c.ctx(), c.actor, cp.ID)
	return c.couplingReply(ok, cp, err)
}
