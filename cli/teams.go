package cli

import (
	"os"
	"slices"

	"github.com/spf13/pflag"

	"github.com/kigo-dev/kigo/client"
)

func ofTeam(fs *pflag.FlagSet) {
	fs.StringP("team", "t", "", "the team [env: HEROKU_ORGANIZATION, HEROKU_TEAM]")
}

func memberFlags(fs *pflag.FlagSet) {
	ofTeam(fs)
	fs.StringP("role", "r", "", "admin, member, viewer or collaborator")
}

var teamCommands = []command{
	{name: "teams", short: "list the teams that you are in", login: true, run: teamList},
	{name: "teams:create", args: "NAME", short: "make a team, and be its admin", login: true, run: teamCreate},
	{name: "teams:invitations", short: "list the teams that you are invited to", login: true, run: invitations, flags: jsonFlag},
	{name: "teams:accept", args: "TEAM", short: "join a team that you are invited to", login: true, run: invitationAccept},
	{name: "orgs", short: "list the teams that you are in", login: true, run: orgList, flags: func(fs *pflag.FlagSet) {
		fs.Bool("enterprise", false, "only those of an enterprise account")
		fs.Bool("json", false, "print JSON")
	}},
	{name: "members", short: "list who is in a team", login: true, run: memberList, flags: func(fs *pflag.FlagSet) {
		memberFlags(fs)
		fs.Bool("pending", false, "only who is invited")
		fs.Bool("json", false, "print JSON")
	}},
	{name: "members:add", args: "EMAIL", short: "put somebody into a team, or invite them", login: true, run: memberAdd, flags: memberFlags},
	{name: "members:remove", args: "EMAIL", short: "take somebody out of a team", login: true, run: memberRemove, flags: ofTeam},
	{name: "members:set", args: "EMAIL", short: "change somebody's role in a team", login: true, run: memberSet, flags: memberFlags},
}

// team is the team of --team or of the environment.
func (c *call) team() (string, error) {
	for _, t := range []string{c.str("team"), os.Getenv("HEROKU_ORGANIZATION"), os.Getenv("HEROKU_TEAM")} {
		if t != "" {
			return t, nil
		}
	}
	return c.need("team")
}

func (c *call) teams(heading string, keep func(client.Team) bool) error {
	list, err := all[client.Team](c, "teams")
	if err != nil {
		return err
	}
	list = slices.DeleteFunc(list, func(t client.Team) bool { return !keep(t) })
	slices.SortFunc(list, func(a, b client.Team) int { return compareText(a.Name, b.Name) })
	if c.is("json") {
		return c.json(list)
	}
	rows := make([][]string, len(list))
	for i, t := range list {
		rows[i] = []string{t.Name, deref(t.Role)}
	}
	c.table([]string{heading, "Role"}, rows)
	return nil
}

func teamList(c *call) error {
	return c.teams("Team", func(client.Team) bool { return true })
}

func orgList(c *call) error {
	return c.teams("Teams", func(t client.Team) bool { return !c.is("enterprise") || t.Type == "enterprise" })
}

// invites reports whether a team asks people instead of putting them in.
func (c *call) invites(team string) (bool, error) {
	t, err := get[client.Team](c, "teams", team)
	if err != nil || t.Type != "team" {
		return false, err
	}
	features, err := all[client.TeamFeature](c, "teams", team, "features")
	return slices.ContainsFunc(features, func(f client.TeamFeature) bool { return f.Name == "team-invite-acceptance" && f.Enabled }), err
}

// member is somebody in a team, or invited to be.
type member struct {
	client.TeamMember
	Status string `json:"status"` // pending: invited
}

// memberOf makes a row of an invitation.
func memberOf(i client.TeamInvitation) member {
	return member{client.TeamMember{CreatedAt: i.CreatedAt, Email: i.User.Email, Role: i.Role, UpdatedAt: i.UpdatedAt, User: i.User}, "pending"}
}

func memberList(c *call) error {
	team, err := c.team()
	if err != nil {
		return err
	}
	members, invited, err := c.membersAndInvited(team)
	if err != nil {
		return err
	}
	role := c.str("role")
	members = slices.DeleteFunc(members, func(m member) bool {
		return role != "" && deref(m.Role) != role || c.is("pending") && m.Status != "pending"
	})
	switch {
	case c.is("json"):
		return c.json(members)
	case len(members) == 0 && role != "":
		c.println("No members in %s with role %s", team, role)
		return nil
	case len(members) == 0:
		c.println("No members in %s", team)
		return nil
	}
	heading := []string{"email", "role"}
	if invited > 0 {
		heading = append(heading, "status")
	}
	rows := make([][]string, len(members))
	for i, m := range members {
		rows[i] = []string{m.Email, deref(m.Role), m.Status}[:len(heading)]
	}
	c.table(heading, rows)
	return nil
}

func (c *call) membersAndInvited(team string) (members []member, invited int, err error) {
	asks, err := c.invites(team)
	if err != nil {
		return nil, 0, err
	}
	members = []member{}
	if asks {
		list, err := all[client.TeamInvitation](c, "teams", team, "invitations")
		if err != nil {
			return nil, 0, err
		}
		for _, i := range list {
			members = append(members, memberOf(i))
		}
	}
	invited = len(members)
	list, err := all[client.TeamMember](c, "teams", team, "members")
	for _, m := range list {
		members = append(members, member{TeamMember: m})
	}
	slices.SortStableFunc(members, func(a, b member) int { return compareText(a.Email, b.Email) })
	return members, invited, err
}

// teamAndRole reads what members:add and members:set must be told.
func (c *call) teamAndRole() (team, role string, err error) {
	if team, err = c.team(); err == nil {
		role, err = c.need("role")
	}
	return team, role, err
}

func memberAdd(c *call) error {
	team, role, err := c.teamAndRole()
	if err != nil {
		return err
	}
	asks, err := c.invites(team)
	if err != nil {
		return err
	}
	email := c.arg(0)
	body := map[string]string{"email": email, "role": role}
	if asks {
		return c.act("Inviting "+email+" to "+team+" as "+role, "PUT", body, "teams", team, "invitations")
	}
	return c.act("Adding "+email+" to "+team+" as "+role, "PUT", body, "teams", team, "members")
}

func memberSet(c *call) error {
	team, role, err := c.teamAndRole()
	if err != nil {
		return err
	}
	body := map[string]string{"email": c.arg(0), "role": role}
	return c.act("Adding "+c.arg(0)+" to "+team+" as "+role, "PATCH", body, "teams", team, "members")
}

func memberRemove(c *call) error {
	team, err := c.team()
	if err != nil {
		return err
	}
	members, _, err := c.membersAndInvited(team)
	if err != nil {
		return err
	}
	email := c.arg(0)
	if slices.ContainsFunc(members, func(m member) bool { return m.Email == email && m.Status == "pending" }) {
		return c.act("Revoking invite for "+email+" in "+team, "DELETE", nil, "teams", team, "invitations", email)
	}
	return c.act("Removing "+email+" from "+team, "DELETE", nil, "teams", team, "members", email)
}

func teamCreate(c *call) error {
	c.begin("Creating team %s", c.arg(0))
	return c.ended(c.api.Do(c, "POST", "/teams", map[string]string{"name": c.arg(0)}, nil))
}

func (c *call) invited() (all []client.TeamInvitation, err error) {
	err = c.api.Do(c, "GET", "/kigo/invitations", nil, &all)
	return all, err
}

// invitations lists what one is invited to.
func invitations(c *call) error {
	all, err := c.invited()
	if err != nil {
		return err
	}
	if c.is("json") {
		return c.json(all)
	}
	if len(all) == 0 {
		c.println("You are invited to no team.")
	}
	for _, i := range all {
		role := "viewer"
		if i.Role != nil {
			role = *i.Role
		}
		c.println("%s as %s, by %s", i.Team.Name, role, i.InvitedBy.Email)
	}
	return nil
}

// invitationAccept joins a team, by the team's name or the invitation's id.
func invitationAccept(c *call) error {
	all, err := c.invited()
	if err != nil {
		return err
	}
	for _, i := range all {
		if c.arg(0) == i.Team.Name || c.arg(0) == i.ID {
			c.begin("Joining %s", i.Team.Name)
			return c.ended(c.api.Do(c, "POST", "/teams/invitations/"+i.ID+"/accept", nil, nil))
		}
	}
	return sentence("You are not invited to %s: ask one of its admins.", c.arg(0))
}
