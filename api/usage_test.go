package api_test

import (
	"testing"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/store"
)

func TestUsageAndQuotaCountWhatDynosOfTheAccountUsed(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.app("myapp")
	s.deploy("myapp", map[string]string{"web": "bin/web"})
	must(t, s.Do(t.Context(), "PATCH", "/apps/myapp/formation/web", map[string]any{"size": "eco"}, nil))
	app, err := s.App(t.Context(), "myapp")
	must(t, err)
	if app.ProcessTier != "eco" {
		t.Errorf("process tier %q", app.ProcessTier)
	}
	must(t, s.store.Update(t.Context(), func(tx *store.Tx) error {
		r, err := tx.CurrentRelease(kigo.AppID(app.ID))
		if err != nil {
			return err
		}
		d := kigo.Dyno{App: kigo.AppID(app.ID), Release: r.ID, Version: r.Version, Type: "web", Number: 1, Size: "Eco"}
		if err := tx.CreateDyno(&d); err != nil {
			return err
		}
		d.State, d.StartedAt = kigo.DynoUp, tx.Now().Add(-100*1e9)
		return tx.UpdateDynoState(&d)
	}))
	all, err := s.Usage(t.Context(), "")
	must(t, err)
	if len(all) == 0 || all[0].App.Name != "myapp" || all[0].Size != "Eco" || all[0].Seconds < 1 {
		t.Errorf("usage %+v", all)
	}
	var quota struct {
		AccountQuota int64 `json:"account_quota"`
		QuotaUsed    int64 `json:"quota_used"`
		Apps         []struct {
			AppUUID   string `json:"app_uuid"`
			QuotaUsed int64  `json:"quota_used"`
		} `json:"apps"`
	}
	must(t, s.Do(t.Context(), "GET", "/accounts/~/actions/get-quota", nil, &quota))
	if quota.AccountQuota != 3_600_000 || quota.QuotaUsed < 1 || len(quota.Apps) != 1 || quota.Apps[0].AppUUID != app.ID {
		t.Errorf("quota %+v", quota)
	}
	other := s.as(s.second("bob@example.com", "global"))
	if all, err := other.Usage(t.Context(), ""); err != nil || len(all) != 0 {
		t.Errorf("another account sees %+v %v", all, err)
	}
	wantError(t, other.Do(t.Context(), "GET", "/accounts/"+string(s.account.ID)+"/actions/get-quota", nil, nil), 404, "not_found", "user")
	_, err = s.Usage(t.Context(), "november")
	wantError(t, err, 422, "invalid_params", "november")
}
