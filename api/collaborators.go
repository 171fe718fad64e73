package api

import (
	"bytes"
	"io"
	"strings"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/client"
	"github.com/kigo-dev/kigo/control"
)

// permissionWords describe permissions.
var permissionWords = map[string]string{
	kigo.PermissionDeploy:  "Can push new code to the app.",
	kigo.PermissionManage:  "Can manage the app and its collaborators, and delete it.",
	kigo.PermissionOperate: "Can manage config, run commands and restart the app.",
	kigo.PermissionView:    "Can view the app.",
}

func serializePermissions(names []string) []client.Permission {
	out := make([]client.Permission, len(names))
	for i, name := range names {
		out[i] = client.Permission{Name: name, Description: permissionWords[name]}
	}
	return out
}

func (c *call) serializeCollaborator(m control.Member) client.Collaborator {
	id := m.ID
	if id == "" { // the owner has no row
		id = fixedID("collaborator", string(m.App)+"/"+string(m.Account))
	}
	return client.Collaborator{
		App:         appRef(c.app),
		CreatedAt:   second(m.CreatedAt),
		ID:          id,
		Permissions: serializePermissions(m.Permissions),
		Role:        optional(m.Role),
		UpdatedAt:   second(m.UpdatedAt),
		User:        client.CollaboratorUser{Email: m.Email, ID: string(m.Account)},
	}
}

func (c *call) collaborators() ([]client.Collaborator, error) {
	all, err := ctrl(c).Members(c.ctx(), c.app.ID)
	if err != nil {
		return nil, err
	}
	return each(c.serializeCollaborator)(all)
}

func collaboratorList(c *call) (reply, error) {
	all, err := c.collaborators()
	if err != nil {
		return reply{}, err
	}
	return page(c, all, as,
		textKey("id", func(v client.Collaborator) string { return v.ID }),
		textKey("email", func(v client.Collaborator) string { return v.User.Email }),
		timeKey("created_at", func(v client.Collaborator) time.Time { return v.CreatedAt }))
}

func collaboratorInfo(c *call) (reply, error) {
	all, err := c.collaborators()
	if err != nil {
		return reply{}, err
	}
	which := c.param("collaborator")
	for _, one := range all {
		if which == one.ID || which == one.User.ID || strings.EqualFold(which, one.User.Email) || which == "~" && one.User.ID == string(c.actor.ID) {
			return ok(one), nil
		}
	}
	return reply{}, kigo.NotFound("collaborator")
}

func collaboratorCreate(c *call) (reply, error) {
	var in struct {
		User        *string  `json:"user"`
		Permissions []string `json:"permissions"`
	}
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	if value(in.User) == "" {
		return reply{}, kigo.Invalid("user is required: an e-mail address or an id.")
	}
	m, err := ctrl(c).AddCollaborator(c.ctx(), c.actor, c.app.ID, *in.User, in.Permissions)
	return created(c.serializeCollaborator(m)), err
}

// collaboratorJoin adds somebody to an app of a team; members join open apps by themselves.
func collaboratorJoin(c *call) (reply, error) {
	var in struct {
		User *string `json:"user"`
	}
	data, err := c.body()
	if err != nil {
		return reply{}, err
	}
	c.r.Body = io.NopCloser(bytes.NewReader(data)) // it is read again by collaboratorCreate
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	c.r.Body = io.NopCloser(bytes.NewReader(data))
	switch who := value(in.User); {
	case who != "~" && who != string(c.actor.ID) && !strings.EqualFold(who, c.actor.Email), ctrl(c).Can(c.ctx(), c.actor, kigo.PermissionManage, c.app) == nil:
		if err := ctrl(c).Can(c.ctx(), c.actor, kigo.PermissionManage, c.app); err != nil {
			return reply{}, err
		}
		return collaboratorCreate(c)
	}
	m, err := ctrl(c).JoinApp(c.ctx(), c.actor, c.app.ID)
	return created(c.serializeCollaborator(m)), err
}

func collaboratorUpdate(c *call) (reply, error) {
	var in struct {
		Permissions []string `json:"permissions"`
	}
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	if len(in.Permissions) == 0 {
		return reply{}, kigo.Invalid("permissions are required: some of deploy, manage, operate and view.")
	}
	m, err := ctrl(c).UpdateCollaborator(c.ctx(), c.actor, c.app.ID, c.param("collaborator"), in.Permissions)
	return ok(c.serializeCollaborator(m)), err
}

// collaboratorDelete is for whoever manages the app, and for those who leave it.
func collaboratorDelete(c *call) (reply, error) {
	which := c.param("collaborator")
	if which != "~" && which != string(c.actor.ID) && !strings.EqualFold(which, c.actor.Email) {
		if err := ctrl(c).Can(c.ctx(), c.actor, kigo.PermissionManage, c.app); err != nil {
			return reply{}, err
		}
	}
	m, err := ctrl(c).RemoveCollaborator(c.ctx(), c.actor, c.app.ID, which)
	return ok(c.serializeCollaborator(m)), err
}
