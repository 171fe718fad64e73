package api

import (
	"strconv"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/client"
	"github.com/kigo-dev/kigo/store"
)

func serializeEgress(r kigo.EgressRule) client.EgressRule {
	out := client.EgressRule{Action: "deny", CreatedAt: second(r.CreatedAt), ID: r.ID, Origin: r.Origin, Port: r.Port, Private: r.Private(), Target: r.Target.String()}
	if r.Allow {
		out.Action = "allow"
	}
	return out
}

func egressList(c *call) (reply, error) {
	var all []kigo.EgressRule
	err := c.view(func(tx *store.Tx) (err error) {
		all, err = tx.EgressRules(c.app.ID)
		return err
	})
	if err != nil {
		return reply{}, err
	}
	return page(c, all, each(serializeEgress), textKey("target", kigo.EgressRule.Name))
}

func egressCreate(c *call) (reply, error) {
	var in struct {
		Action *string `json:"action"`
		Target *string `json:"target"`
		Port   *int    `json:"port"`
	}
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	if a := value(in.Action); a != "allow" && a != "deny" {
		return reply{}, kigo.Invalid("action is %.40q: it must be allow or deny.", a)
	}
	text := value(in.Target)
	if in.Port != nil {
		text += ":" + strconv.Itoa(*in.Port)
	}
	target, port, err := kigo.ParseEgressTarget(text)
	if err != nil {
		return reply{}, err
	}
	r, err := ctrl(c).SetEgressRule(c.ctx(), c.actor, kigo.EgressRule{App: c.app.ID, Allow: *in.Action == "allow", Target: target, Port: port})
	return created(serializeEgress(r)), err
}

func egressDelete(c *call) (reply, error) {
	r, err := ctrl(c).RemoveEgressRule(c.ctx(), c.actor, c.app.ID, c.param("rule"))
	return ok(serializeEgress(r)), err
}

func isolationInfo(c *call) (reply, error) {
	var class kigo.Isolation
	err := c.view(func(tx *store.Tx) (err error) {
		class, err = tx.Isolation(c.app.ID)
		return err
	})
	return ok(client.Isolation{Class: string(class)}), err
}

// isolationClass reads the class that a request chooses.
func (c *call) isolationClass() (kigo.Isolation, error) {
	var in struct {
		Class *string `json:"class"`
	}
	if err := c.decode(&in); err != nil {
		return "", err
	}
	return kigo.ParseIsolation(value(in.Class))
}

func teamIsolationInfo(c *call) (reply, error) {
	var class kigo.Isolation
	err := c.view(func(tx *store.Tx) (err error) {
		class, err = tx.TeamIsolation(c.team.ID)
		return err
	})
	return ok(client.Isolation{Class: string(class)}), err
}

func teamIsolationUpdate(c *call) (reply, error) {
	class, err := c.isolationClass()
	if err == nil {
		err = ctrl(c).SetTeamIsolation(c.ctx(), c.actor, string(c.team.ID), class)
	}
	return ok(client.Isolation{Class: string(class)}), err
}

func isolationUpdate(c *call) (reply, error) {
	class, err := c.isolationClass()
	if err != nil {
		return reply{}, err
	}
	err = ctrl(c).SetIsolation(c.ctx(), c.actor, c.app.ID, class)
	return ok(client.Isolation{Class: string(class)}), err
}
