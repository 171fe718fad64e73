package api

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/client"
	"github.com/kigo-dev/kigo/store"
)

// maxSettingsHistory is how many releases are read to find out when a config var got its
// value; of one that is older nothing is said.
const maxSettingsHistory = 100

// configSettingsList tells of each config var when it got its value. None is masked: who
// may read config vars here reads them all.
func configSettingsList(c *call) (reply, error) {
	var all []client.ConfigVarSetting
	err := c.view(func(tx *store.Tx) (err error) {
		all, err = settings(tx, c.app.ID)
		return err
	})
	return ok(all), err
}

func settings(tx *store.Tx, app kigo.AppID) ([]client.ConfigVarSetting, error) {
	releases, err := tx.ReleasesIn(app, store.Versions{First: 0, Last: 1 << 30, Desc: true, Limit: maxSettingsHistory})
	if err != nil || len(releases) == 0 {
		return []client.ConfigVarSetting{}, err
	}
	now, err := tx.ReleaseConfig(releases[0].ID)
	if err != nil {
		return nil, err
	}
	since, known := map[string]time.Time{}, map[string]bool{}
	for i, r := range releases {
		before := kigo.ConfigVars{}
		switch {
		case i+1 < len(releases):
			if before, err = tx.ReleaseConfig(releases[i+1].ID); err != nil {
				return nil, err
			}
		case r.Version > 1:
			continue // what was before is not read
		}
		for name, value := range now {
			if old, had := before[name]; !known[name] && (!had || old != value) {
				since[name], known[name] = r.CreatedAt, true
			}
		}
		if len(known) == len(now) {
			break
		}
	}
	out := []client.ConfigVarSetting{}
	for _, name := range slices.Sorted(maps.Keys(now)) {
		s := client.ConfigVarSetting{Key: name, Value: now[name]}
		if known[name] {
			at := second(since[name])
			s.ValueUpdatedAt = &at
		}
		out = append(out, s)
	}
	return out, nil
}

// configSettingsUpdate sets and removes config vars, as PATCH of the config vars does.
func configSettingsUpdate(c *call) (reply, error) {
	var in struct {
		Config []struct {
			Key    *string         `json:"key"`
			Value  json.RawMessage `json:"value"`
			Masked *bool           `json:"masked"`
		} `json:"config"`
	}
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	changes := map[string]*string{}
	for i, v := range in.Config {
		name := strconv.Quote(value(v.Key))
		_, twice := changes[value(v.Key)]
		switch {
		case v.Key == nil:
			return reply{}, kigo.Invalid("config[%d]: key is required: the name of a config var.", i)
		case twice:
			return reply{}, kigo.Invalid("config[%d]: config var %.40s is named twice.", i, name)
		case v.Masked != nil && *v.Masked:
			return reply{}, kigo.Invalid("Config var %.40s cannot be masked here: who may read config vars is said by the permission deploy.", name)
		case v.Value == nil:
			continue // only masked was said, and that is so already
		}
		var text *string
		if json.Unmarshal(v.Value, &text) != nil {
			return reply{}, kigo.Invalid("The value of config var %.40s must be a string, or null to remove it.", name)
		}
		changes[*v.Key] = text
	}
	if _, _, err := ctrl(c).SetConfig(c.ctx(), c.actor, c.app.ID, changes); err != nil {
		return reply{}, err
	}
	return configSettingsList(c)
}
