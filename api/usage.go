package api

import (
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/client"
	"github.com/kigo-dev/kigo/store"
)

// usage reads what the actor's apps used in a month, up to now.
func (c *call) usage(month string) (all []kigo.Usage, err error) {
	err = c.view(func(tx *store.Tx) error {
		all, err = tx.Usage(c.actor.ID, month)
		return err
	})
	return all, err
}

// usageList is GET /kigo/usage?month=2026-11: dyno-seconds by app, month, type and size.
func usageList(c *call) (reply, error) {
	month := c.r.URL.Query().Get("month")
	if month != "" {
		if t, err := time.Parse("2006-01", month); err != nil || kigo.Month(t) != month {
			return reply{}, kigo.Invalid("month %q is none such as %s.", month, kigo.Month(c.s.Now()))
		}
	}
	all, err := c.usage(month)
	if err != nil {
		return reply{}, err
	}
	out := make([]client.Usage, len(all))
	for i, u := range all {
		out[i] = client.Usage{App: client.Ref{ID: string(u.App), Name: u.AppName}, Month: u.Period, Type: u.Type, Size: u.Size, Seconds: u.Used.Seconds()}
	}
	return ok(out), nil
}

// quotaInfo is what `heroku ps` asks about apps on Eco dynos: how much of the month's
// pool of hours the account has used, in seconds. Without a pool there is none to tell of.
func quotaInfo(c *call) (reply, error) {
	if err := c.user(); err != nil {
		return reply{}, err
	}
	if c.s.EcoHours == 0 {
		return reply{}, kigo.NotFound("quota")
	}
	all, err := c.usage(kigo.Month(c.s.Now()))
	if err != nil {
		return reply{}, err
	}
	type appQuota struct {
		AppUUID   string `json:"app_uuid"`
		QuotaUsed int64  `json:"quota_used"`
	}
	var total time.Duration
	used := map[kigo.AppID]time.Duration{}
	for _, u := range all {
		if s, err := kigo.FindSize(u.Size); err == nil && s.Sleeps {
			used[u.App] += u.Used
			total += u.Used
		}
	}
	apps := []appQuota{}
	for _, u := range all {
		if d, found := used[u.App]; found {
			apps = append(apps, appQuota{string(u.App), int64(d.Seconds())})
			delete(used, u.App)
		}
	}
	quota := int64(c.s.EcoHours) * 3600
	return ok(map[string]any{"account_quota": quota, "quota_used": min(int64(total.Seconds()), quota), "apps": apps}), nil
}
