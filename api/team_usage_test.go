package api_test

import (
	"strings"
	"testing"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/client"
	"github.com/kigo-dev/kigo/store"
)

func TestTeamsAndEnterprisesSeeWhatTheirAppsUsed(t *testing.T) {
	t.Parallel()
	s, ctx := newServer(t), t.Context()
	must(t, s.Do(ctx, "POST", "/kigo/enterprise-accounts", map[string]any{"name": "firm"}, nil))
	var team client.Team
	must(t, s.Do(ctx, "POST", "/enterprise-accounts/firm/teams", map[string]any{"name": "crew"}, &team))
	must(t, s.Do(ctx, "POST", "/teams/apps", map[string]any{"name": "ship", "team": "crew"}, nil))
	s.app("mine") // of nobody's team
	began := s.up("ship", 30*time.Second)
	s.up("mine", 90*time.Second)

	now := time.Now().UTC()
	day, month := began.Format(time.DateOnly), began.Format("2006-01")
	var days, months []client.TeamUsage
	must(t, s.Do(ctx, "GET", "/teams/crew/usage/daily?start="+day, nil, &days))
	must(t, s.Do(ctx, "GET", "/teams/crew/usage/monthly?start="+month+"&end="+now.Format("2006-01"), nil, &months))
	total := func(all []client.TeamUsage, seconds float64) (sum float64) {
		t.Helper()
		for _, u := range all {
			if u.ID != team.ID || u.Name != "crew" {
				t.Errorf("usage of %q", u.Name)
			}
			apps := 0.0
			for _, a := range u.Apps {
				apps += a.Dynos
				if a.AppName != "ship" {
					t.Errorf("usage of the app %q", a.AppName)
				}
			}
			if apps != u.Dynos {
				t.Errorf("%v dynos, but %v of apps", u.Dynos, apps)
			}
			sum += u.Dynos * seconds
		}
		return sum
	}
	// Each is an average; a dyno that is up all day is one.
	if got := total(days, 86400); got < 29 || got > 3600 {
		t.Errorf("%.1f dyno-seconds by day: %+v", got, days)
	}
	length := time.Date(began.Year(), began.Month()+1, 1, 0, 0, 0, 0, time.UTC).Sub(time.Date(began.Year(), began.Month(), 1, 0, 0, 0, 0, time.UTC))
	if got := total(months, length.Seconds()); got < 25 || got > 3600 {
		t.Errorf("%.1f dyno-seconds by month: %+v", got, months)
	}
	if days[0].Date != day || months[0].Month != month {
		t.Errorf("from %q and %q", days[0].Date, months[0].Month)
	}

	var firm []client.EnterpriseUsage
	must(t, s.Do(ctx, "GET", "/enterprise-accounts/firm/usage/daily?start="+day+"&end="+now.AddDate(0, 0, 9).Format(time.DateOnly), nil, &firm))
	if len(firm) > 2 || len(firm) == 0 || firm[0].Name != "firm" || len(firm[0].Teams) != 1 || firm[0].Teams[0].Dynos != firm[0].Dynos {
		t.Errorf("of the enterprise account: %+v", firm)
	}
	must(t, s.Do(ctx, "GET", "/enterprise-accounts/firm/usage/monthly?start="+month+"&end="+month, nil, &firm))
	if len(firm) != 1 || firm[0].Month != month || firm[0].Connect == nil {
		t.Errorf("of a month: %+v", firm)
	}
	must(t, s.Do(ctx, "GET", "/teams/crew/usage/daily?start=2019-01-01&end=2019-01-03", nil, &days))
	if len(days) != 3 || days[0].Dynos+days[1].Dynos+days[2].Dynos != 0 || len(days[0].Apps) != 0 {
		t.Errorf("long ago: %+v", days)
	}
	for query, word := range map[string]string{
		"": "start is required", "?start=2026-11": "2026-11-22", "?start=x": `"x"`, "?start=2026-13-01": "no", "?start=2026-11-22&end=2026-11-21": "before",
		"?start=2019-01-01": "too long", "?start=2026-11-22&end=soon": "soon",
	} {
		err := s.Do(ctx, "GET", "/teams/crew/usage/daily"+query, nil, nil)
		wantError(t, err, 422, "invalid_params", strings.TrimPrefix(word, "no"))
	}
}

// up runs a dyno of an app as if since some time ago, and returns when it began.
func (s *server) up(app string, since time.Duration) (began time.Time) {
	s.t.Helper()
	s.deploy(app, map[string]string{"web": "bin/web"})
	must(s.t, s.store.Update(s.t.Context(), func(tx *store.Tx) error {
		a, err := tx.FindApp(app)
		if err != nil {
			return err
		}
		r, err := tx.CurrentRelease(a.ID)
		if err != nil {
			return err
		}
		d := kigo.Dyno{App: a.ID, Release: r.ID, Version: r.Version, Type: "web", Number: 1, Size: "Basic"}
		if err := tx.CreateDyno(&d); err != nil {
			return err
		}
		began = tx.Now().Add(-since)
		d.State, d.StartedAt = kigo.DynoUp, began
		return tx.UpdateDynoState(&d)
	}))
	return began
}

func TestConfigVarsTellSinceWhenTheyHaveTheirValue(t *testing.T) {
	t.Parallel()
	s, ctx := newServer(t), t.Context()
	s.app("myapp")
	const at = "/apps/myapp/config-vars-settings"
	_, err := s.SetConfigVars(ctx, "myapp", map[string]*string{"A": ptr("1"), "B": ptr("1")})
	must(t, err)
	var all []client.ConfigVarSetting
	must(t, s.Do(ctx, "PATCH", at, map[string]any{"config": []map[string]any{{"key": "B", "value": "2"}, {"key": "C", "value": "3"}, {"key": "A", "masked": false}}}, &all))
	releases, err := s.Releases(ctx, "myapp", client.ListOptions{})
	must(t, err)
	at3, at4 := releases[len(releases)-2].CreatedAt, releases[len(releases)-1].CreatedAt
	want := []struct {
		name, value string
		since       time.Time
	}{{"A", "1", at3}, {"B", "2", at4}, {"C", "3", at4}}
	if len(all) != len(want) {
		t.Fatalf("settings %+v", all)
	}
	for i, w := range want {
		if g := all[i]; g.Key != w.name || g.Value != w.value || g.Masked || g.ValueUpdatedAt == nil || !g.ValueUpdatedAt.Equal(w.since) {
			t.Errorf("%s: %+v, want %+v", w.name, g, w)
		}
	}
	must(t, s.Do(ctx, "PATCH", at, map[string]any{"config": []map[string]any{{"key": "A", "value": nil}}}, &all))
	if len(all) != 2 {
		t.Errorf("A was not removed: %+v", all)
	}
	for _, c := range []struct {
		config []map[string]any
		word   string
	}{
		{[]map[string]any{{"key": "B", "value": "9", "masked": true}}, "cannot be masked"}, {[]map[string]any{{"value": "9"}}, "config[0]: key"},
		{[]map[string]any{{"key": "B", "value": "9"}, {"key": "B", "value": "8"}}, "twice"}, {[]map[string]any{{"key": "B", "value": 5}}, "must be a string"},
		{[]map[string]any{{"key": "B C", "value": "9"}}, "B C"},
	} {
		wantError(t, s.Do(ctx, "PATCH", at, map[string]any{"config": c.config}, nil), 422, "invalid_params", c.word)
	}
	vars, err := s.ConfigVars(ctx, "myapp")
	must(t, err)
	if vars["B"] != "2" {
		t.Errorf("a refused change was made: %v", vars)
	}
}
