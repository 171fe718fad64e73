package cli

import (
	"cmp"
	"net/url"
	"slices"
	"strings"

	"github.com/kigo-dev/kigo/client"
)

// accessList shows who may do what with an app: of a team's, its admins too.
func accessList(c *call) error {
	app, err := c.api.App(c, c.app)
	if err != nil {
		return err
	}
	list, err := c.api.Collaborators(c, c.app)
	if err != nil {
		return err
	}
	if app.Team != nil {
		list = slices.DeleteFunc(list, func(p client.Collaborator) bool { return deref(p.Role) == "admin" })
		admins, err := c.teamAdmins(app)
		if err != nil {
			return err
		}
		list = append(list, admins...)
	}
	if c.is("json") {
		return c.json(list)
	}
	slices.SortStableFunc(list, func(a, b client.Collaborator) int { return cmp.Compare(a.User.Email, b.User.Email) })
	list = slices.DeleteFunc(list, func(p client.Collaborator) bool { return strings.HasSuffix(p.User.Email, "@herokumanager.com") })
	rows := make([][]string, len(list))
	for i, p := range list {
		var may []string
		for _, m := range p.Permissions {
			may = append(may, m.Name)
		}
		slices.Sort(may)
		rows[i] = []string{p.User.Email, cmp.Or(deref(p.Role), "collaborator"), strings.Join(may, ", ")}
	}
	c.table([]string{"email", "role", "permissions"}, rows)
	return nil
}

// teamAdmins are the admins of an app's team, who may do everything; nobody where they are
// not told.
func (c *call) teamAdmins(app client.App) (list []client.Collaborator, err error) {
	members, err := all[client.TeamMember](c, "teams", app.Team.Name, "members")
	if err != nil {
		if client.IsForbidden(err) {
			return nil, nil
		}
		return nil, err
	}
	may, err := all[client.Permission](c, "teams", "permissions")
	for _, m := range members {
		if deref(m.Role) == "admin" {
			user := client.CollaboratorUser{Email: m.Email, Federated: m.Federated, ID: m.User.ID}
			list = append(list, client.Collaborator{
				App: client.Ref{ID: app.ID, Name: app.Name}, CreatedAt: m.CreatedAt, ID: m.ID, Permissions: may, Role: m.Role, UpdatedAt: m.UpdatedAt, User: user,
			})
		}
	}
	return list, err
}

func (c *call) collaborator(email string) string {
	return "/apps/" + url.PathEscape(c.app) + "/collaborators/" + url.PathEscape(email)
}

func accessAdd(c *call) error {
	body := map[string]any{"user": c.arg(0)}
	c.begin("Adding %s access to the app %s", c.arg(0), c.app)
	if p := c.str("permissions"); p != "" {
		body["permissions"] = strings.Split(p, ",")
	}
	return c.ended(c.api.Do(c, "POST", "/apps/"+url.PathEscape(c.app)+"/collaborators", body, nil))
}

func accessRemove(c *call) error {
	c.begin("Removing %s access from the app %s", c.arg(0), c.app)
	return c.ended(c.api.Do(c, "DELETE", c.collaborator(c.arg(0)), nil, nil))
}

func accessUpdate(c *call) error {
	given, err := c.need("permissions")
	if err != nil {
		return err
	}
	app, err := c.api.App(c, c.app)
	if err != nil {
		return err
	}
	if app.Team == nil {
		return usage(2, "Error: cannot update permissions. The app %s is not owned by a team", c.app)
	}
	may := append(strings.Split(given, ","), "view")
	slices.Sort(may)
	may = slices.Compact(may)
	doing := "Updating " + c.arg(0) + " in application " + c.app + " with " + strings.Join(may, ",") + " permissions"
	return c.act(doing, "PATCH", map[string]any{"permissions": may}, "teams", "apps", c.app, "collaborators", c.arg(0))
}
