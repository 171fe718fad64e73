package control

import (
	"context"
	"slices"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/store"
)

// Feature is one switch of an app.
type Feature struct {
	Name, DisplayName, Description, DocURL, State string
	Enabled                                       bool
	CreatedAt, UpdatedAt                          time.Time
}

const devCenter = "https://devcenter.heroku.com/articles/"

// labs is the state of what `labs` lists; `features` lists what is general.
const labs = "public"

// features are all switches there are, with Heroku's names and words, by name.
var features = []Feature{
	{Name: "force-https", DisplayName: "HTTPS only", State: "general",
		Description: "Answer plain HTTP with a redirect to the same address over HTTPS."},
	{Name: "http-end-to-end", DisplayName: "HTTP end to end", State: "general", DocURL: devCenter + "http-routing",
		Description: "Pass HTTP/1.1 connections on to dynos unchanged, with keep-alive."},
	{Name: "http-session-affinity", DisplayName: "HTTP session affinity", State: "general", DocURL: devCenter + "session-affinity",
		Description: "Enable HTTP session affinity: all requests of one client go to the same dyno."},
	{Name: "log-runtime-metrics", DisplayName: "Log runtime metrics", State: labs, DocURL: devCenter + "log-runtime-metrics",
		Description: "Emit dyno resource usage information into the app's logs."},
	{Name: "preboot", DisplayName: "Preboot", State: "general", DocURL: devCenter + "preboot",
		Description: "Provide seamless web dyno deploys: new web dynos boot before old ones stop."},
	{Name: "runtime-dyno-metadata", DisplayName: "Dyno metadata", State: labs, DocURL: devCenter + "dyno-metadata",
		Description: "Set environment variables that describe the app, its release and the dyno."},
	{Name: "runtime-heroku-exec", DisplayName: "Exec", State: "general", DocURL: devCenter + "exec", Enabled: true, // there is nothing to install for it
		Description: "Let ps:exec open a shell in a running dyno."},
}

// Features returns every switch as it stands for an app.
func (c *Control) Features(ctx context.Context, id kigo.AppID) (all []Feature, err error) {
	err = c.Store.View(ctx, func(tx *store.Tx) error {
		app, err := tx.App(id)
		if err != nil {
			return err
		}
		set, err := tx.Features(id)
		all = merge(app, set)
		return err
	})
	return all, err
}

// SetFeature turns a switch on or off.
func (c *Control) SetFeature(ctx context.Context, a Actor, id kigo.AppID, name string, enabled bool) (f Feature, err error) {
	i := slices.IndexFunc(features, func(f Feature) bool { return f.Name == name })
	if i < 0 {
		return f, kigo.NotFound("feature")
	}
	err = c.update(ctx, a, func(tx *change) error {
		app, err := tx.app(id)
		if err != nil {
			return err
		}
		if err := tx.SetFeature(id, name, enabled); err != nil {
			return err
		}
		set, err := tx.Tx.Features(id)
		if err != nil {
			return err
		}
		f = merge(app, set)[i]
		tx.byf(id, "Feature %s %s", name, onOff(enabled))
		return tx.emit("feature.update", id, name, map[string]bool{"enabled": enabled})
	})
	return f, err
}

// merge joins the table with what was set.
func merge(app kigo.App, set []store.Feature) []Feature {
	all := slices.Clone(features)
	for i := range all {
		all[i].CreatedAt, all[i].UpdatedAt = app.CreatedAt, app.CreatedAt
		for _, s := range set {
			if s.Name == all[i].Name {
				all[i].Enabled, all[i].UpdatedAt = s.Enabled, s.At
			}
		}
	}
	return all
}
