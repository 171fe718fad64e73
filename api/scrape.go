package api

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/control"
	"github.com/kigo-dev/kigo/metrics"
	"github.com/kigo-dev/kigo/store"
)

// Scrapers send a token, but not the Accept header of the API: the routes of this
// file take no token in the table, and ask for it here.

// scrapePlatform offers everything to the operator's Prometheus: its own registry,
// with what Deps.Collectors add.
func scrapePlatform(c *call) (reply, error) {
	if err := c.scraper(); err != nil {
		return reply{}, err
	}
	var apps []kigo.App
	err := c.view(func(tx *store.Tx) (err error) {
		if err := control.CheckOperator(tx, c.actor); err != nil {
			return err
		}
		apps, err = tx.Apps()
		return err
	})
	if err != nil {
		return reply{}, err
	}
	more := append([]prometheus.Collector{collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{})}, c.s.Collectors...)
	return c.scrape(apps, more)
}

// scrapeApp offers one app's metrics to its owner's Prometheus.
func scrapeApp(c *call) (reply, error) {
	if err := c.scraper(); err != nil {
		return reply{}, err
	}
	if err := c.findApp(c.param("app")); err != nil {
		return reply{}, err
	}
	return c.scrape([]kigo.App{c.app}, nil)
}

// scraper finds who asks, and whether he may read.
func (c *call) scraper() error {
	if c.s.History == nil {
		return errNoHistory
	}
	for _, step := range []func() error{c.authenticate, c.spend} {
		if err := step(); err != nil {
			return err
		}
	}
	return read.check(c.auth.Scope)
}

func (c *call) scrape(apps []kigo.App, more []prometheus.Collector) (reply, error) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(metrics.Collector{Apps: func() []metrics.App {
		all := make([]metrics.App, len(apps))
		for i, app := range apps {
			all[i] = metrics.App{Name: app.Name, Totals: c.s.History.Totals(app.ID)}
			all[i].Latest, _ = c.s.History.Latest(app.ID)
		}
		return all
	}})
	registry.MustRegister(more...)
	c.w.Header().Set("Cache-Control", "no-store")
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{ErrorHandling: promhttp.HTTPErrorOnError, DisableCompression: c.r.Method == http.MethodHead}).ServeHTTP(c.w, c.r)
	return reply{}, nil
}
