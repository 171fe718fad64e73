package store

import (
	"errors"
	"net/netip"

	"github.com/kigo-dev/kigo"
)

const egressColumns = "id, app_id, allow, target, port, by_operator, origin, created_at"

func scanEgressRule(_ *Tx, row scanner) (r kigo.EgressRule, err error) {
	var target string
	if err = row.Scan(&r.ID, &r.App, &r.Allow, &target, &r.Port, &r.Operator, &r.Origin, at{&r.CreatedAt}); err != nil {
		return r, err
	}
	r.Target, err = netip.ParsePrefix(target)
	return r, err
}

// SetEgressRule adds a rule, or puts it in the place of the app's one for that target and port.
func (tx *Tx) SetEgressRule(r *kigo.EgressRule) error {
	newID(&r.ID)
	tx.created(&r.CreatedAt, nil)
	return tx.exec("set egress rule", `INSERT INTO egress_rules (`+egressColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (app_id, target, port) DO UPDATE SET allow = excluded.allow, by_operator = excluded.by_operator,
		origin = excluded.origin, created_at = excluded.created_at, id = excluded.id`,
		r.ID, string(r.App), r.Allow, r.Target.String(), r.Port, r.Operator, r.Origin, micros(r.CreatedAt))
}

// EgressRules returns an app's rules, by target.
func (tx *Tx) EgressRules(app kigo.AppID) ([]kigo.EgressRule, error) {
	return list(tx, "egress rule", scanEgressRule, "SELECT "+egressColumns+" FROM egress_rules WHERE app_id = $1 ORDER BY target, port", string(app))
}

// AllEgressRules returns every rule, by app.
func (tx *Tx) AllEgressRules() (map[kigo.AppID][]kigo.EgressRule, error) {
	rows, err := list(tx, "egress rule", scanEgressRule, "SELECT "+egressColumns+" FROM egress_rules ORDER BY app_id, target, port")
	all := map[kigo.AppID][]kigo.EgressRule{}
	for _, r := range rows {
		all[r.App] = append(all[r.App], r)
	}
	return all, err
}

// DeleteEgressRule removes a rule.
func (tx *Tx) DeleteEgressRule(id string) error {
	return tx.execOne("egress rule", "delete egress rule", "DELETE FROM egress_rules WHERE id = $1", id)
}

// Isolation returns how an app's dynos are kept apart from the machine: as the app
// says, else as the team that owns it.
func (tx *Tx) Isolation(app kigo.AppID) (kigo.Isolation, error) {
	return tx.isolation(`SELECT class FROM isolation WHERE app_id = $1
		UNION ALL SELECT class FROM team_isolation JOIN apps ON apps.owner_id = team_id
			WHERE apps.id = $1 AND NOT EXISTS (SELECT 1 FROM isolation WHERE app_id = $1)`, string(app))
}

// TeamIsolation is that of a team's apps which say nothing themselves.
func (tx *Tx) TeamIsolation(team kigo.AccountID) (kigo.Isolation, error) {
	return tx.isolation("SELECT class FROM team_isolation WHERE team_id = $1", string(team))
}

func (tx *Tx) isolation(query, id string) (kigo.Isolation, error) {
	class, err := one(tx, "isolation", func(_ *Tx, row scanner) (class kigo.Isolation, err error) {
		err = row.Scan(&class)
		return class, err
	}, query, id)
	if errors.Is(err, kigo.ErrNotFound) {
		return kigo.IsolationStandard, nil
	}
	return class, err
}

// SetTeamIsolation writes it.
func (tx *Tx) SetTeamIsolation(team kigo.AccountID, class kigo.Isolation) error {
	return tx.exec("set isolation", `INSERT INTO team_isolation (team_id, class) VALUES ($1, $2)
		ON CONFLICT (team_id) DO UPDATE SET class = excluded.class`, string(team), string(class))
}

// SetIsolation writes it.
func (tx *Tx) SetIsolation(app kigo.AppID, class kigo.Isolation) error {
	return tx.exec("set isolation", `INSERT INTO isolation (app_id, class) VALUES ($1, $2)
		ON CONFLICT (app_id) DO UPDATE SET class = excluded.class`, string(app), string(class))
}
