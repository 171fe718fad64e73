package api

import (
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/client"
	"github.com/kigo-dev/kigo/store"
)

// Usage of teams and enterprise accounts, by day and by month: how many dynos of theirs
// were up on average, from the seconds that are counted. There are no add-ons and spaces, so
// that of these nothing is ever used. What an app used belongs to who owned it then: a transfer
// moves nothing of it.

// maxPeriods is how many days or months one answer tells.
const maxPeriods = 400

// calendar is a way to part time.
type calendar struct {
	layout  string // of a period's name
	example string
	next    func(time.Time) time.Time
	read    func(tx *store.Tx, owner kigo.AccountID, from, to string) ([]kigo.Usage, error)
	monthly bool
}

var (
	byDay   = calendar{time.DateOnly, "2026-11-22", func(t time.Time) time.Time { return t.AddDate(0, 0, 1) }, (*store.Tx).UsageByDay, false}
	byMonth = calendar{"2006-01", "2026-11", func(t time.Time) time.Time { return t.AddDate(0, 1, 0) }, (*store.Tx).UsageByMonth, true}
)

// periods are the beginnings of the days or months that a request asks for, none of them in
// the future. Without an end it is one month, or the days up to today.
func (k calendar) periods(c *call) (all []time.Time, err error) {
	read := func(name string) (time.Time, error) {
		text := c.r.URL.Query().Get(name)
		t, err := time.Parse(k.layout, text)
		switch {
		case text == "" && name == "start":
			err = kigo.Invalid("start is required: where the range begins, such as start=%s.", k.example)
		case text == "":
			t, err = time.Time{}, nil
		case err != nil:
			err = kigo.Invalid("%s %.40q is not a date such as %s.", name, text, k.example)
		}
		return t, err
	}
	start, err := read("start")
	if err != nil {
		return nil, err
	}
	end, err := read("end")
	switch {
	case err != nil:
		return nil, err
	case end.IsZero() && k.monthly:
		end = start
	case end.IsZero():
		end = c.s.Now().UTC()
	case end.Before(start):
		return nil, kigo.Invalid("end %s is before start %s.", end.Format(k.layout), start.Format(k.layout))
	}
	for t := start; !t.After(end) && !t.After(c.s.Now()); t = k.next(t) {
		if len(all) == maxPeriods {
			return nil, kigo.Invalid("The range is too long: %d are told at once at most.", maxPeriods)
		}
		all = append(all, t)
	}
	return all, nil
}

// usage sums up what a team's apps used in each period.
func (k calendar) usage(tx *store.Tx, t kigo.Team, periods []time.Time) (map[string]client.TeamUsage, error) {
	used := map[string]client.TeamUsage{}
	for _, p := range periods {
		used[p.Format(k.layout)] = client.TeamUsage{ID: string(t.ID), Name: t.Name, Apps: []client.AppUsage{}, UsageSum: k.nothing()}
	}
	if len(periods) == 0 {
		return used, nil
	}
	all, err := k.read(tx, t.ID, periods[0].Format(k.layout), periods[len(periods)-1].Format(k.layout))
	if err != nil {
		return nil, err
	}
	apps := map[string]int{} // where an app is in its period
	for _, u := range all {
		sum := used[u.Period]
		begin, _ := time.Parse(k.layout, u.Period) // the name was made of a time
		dynos := u.Used.Seconds() / k.next(begin).Sub(begin).Seconds()
		key := u.Period + " " + string(u.App)
		i, seen := apps[key]
		if !seen {
			i = len(sum.Apps)
			apps[key] = i
			sum.Apps = append(sum.Apps, client.AppUsage{AppName: u.AppName})
		}
		sum.Apps[i].Dynos += dynos
		sum.Dynos += dynos
		used[u.Period] = sum
	}
	return used, nil
}

// nothing is a sum without anything used. Usage by month has one figure more.
func (k calendar) nothing() (s client.UsageSum) {
	if k.monthly {
		s.Connect = new(float64)
	}
	return s
}

// date writes a period into the field that is there for it.
func (k calendar) date(day, month *string, period time.Time) {
	if k.monthly {
		day = month
	}
	*day = period.Format(k.layout)
}

func (k calendar) ofTeam(c *call) (reply, error) {
	periods, err := k.periods(c)
	if err != nil {
		return reply{}, err
	}
	out := []client.TeamUsage{}
	err = c.view(func(tx *store.Tx) error {
		used, err := k.usage(tx, c.team, periods)
		for _, p := range periods {
			u := used[p.Format(k.layout)]
			k.date(&u.Date, &u.Month, p)
			out = append(out, u)
		}
		return err
	})
	return ok(out), err
}

func (k calendar) ofEnterprise(c *call) (reply, error) {
	periods, err := k.periods(c)
	if err != nil {
		return reply{}, err
	}
	out := make([]client.EnterpriseUsage, len(periods))
	err = c.view(func(tx *store.Tx) error {
		teams, err := tx.EnterpriseTeams(c.enterprise.ID)
		if err != nil {
			return err
		}
		for i, p := range periods {
			out[i] = client.EnterpriseUsage{ID: c.enterprise.ID, Name: c.enterprise.Name, UsageSum: k.nothing(), Teams: []client.TeamUsage{}}
			k.date(&out[i].Date, &out[i].Month, p)
		}
		for _, t := range teams {
			used, err := k.usage(tx, t, periods)
			if err != nil {
				return err
			}
			for i, p := range periods {
				u := used[p.Format(k.layout)]
				out[i].Teams = append(out[i].Teams, u)
				out[i].Dynos += u.Dynos
			}
		}
		return nil
	})
	return ok(out), err
}
