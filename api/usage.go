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
	if c.s.EcoPool == 0 {
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
	pool, apps := kigo.CountPool(c.s.EcoPool, all), []appQuota{}
	for _, share := range pool.Apps {
		apps = append(apps, appQuota{string(share.App), int64(share.Used.Seconds())})
	}
	return ok(map[string]any{
		"account_quota": int64(pool.Quota.Seconds()), "quota_used": int64(min(pool.Used, pool.Quota).Seconds()), "apps": apps,
	}), nil
}
