package control

import (
	"context"
	"maps"
	"net/url"

	"github.com/kigo-dev/kigo"
)

// AddTelemetryDrain sends an app's signals to a consumer of OpenTelemetry from now on.
func (c *Control) AddTelemetryDrain(ctx context.Context, a Actor, d kigo.TelemetryDrain) (kigo.TelemetryDrain, error) {
	if err := c.checkTelemetry(d); err != nil {
		return d, err
	}
	err := c.update(ctx, a, func(tx *change) error {
		app, err := tx.app(d.App)
		if err != nil {
			return err
		}
		have, err := tx.TelemetryDrains(d.App)
		if err != nil {
			return err
		}
		if len(have) >= kigo.MaxTelemetryDrains {
			return kigo.Invalid("%s has %d telemetry drains, and more are not possible: remove one first.", app.Name, len(have))
		}
		if err := tx.CreateTelemetryDrain(&d); err != nil {
			return err
		}
		tx.byf(d.App, "Add telemetry drain %s", kigo.MaskURL(d.Exporter.Endpoint))
		return tx.emit("telemetry.create", d.App, d.ID, map[string]any{"endpoint": kigo.MaskURL(d.Exporter.Endpoint), "signals": d.Signals})
	})
	return d, err
}

// UpdateTelemetryDrain changes what f changes of a drain.
func (c *Control) UpdateTelemetryDrain(ctx context.Context, a Actor, id string, f func(*kigo.TelemetryDrain)) (d kigo.TelemetryDrain, err error) {
	err = c.update(ctx, a, func(tx *change) error {
		if d, err = tx.TelemetryDrain(id); err != nil {
			return err
		}
		before := d.Exporter
		f(&d)
		if !sameHost(before.Endpoint, d.Exporter.Endpoint) && len(before.Headers) > 0 && maps.Equal(before.Headers, d.Exporter.Headers) {
			return kigo.Invalid("The endpoint is on another host: give its headers too, so that it is not sent those of %s.", kigo.MaskURL(before.Endpoint))
		}
		if err := c.checkTelemetry(d); err != nil {
			return err
		}
		if err := tx.Tx.UpdateTelemetryDrain(&d); err != nil {
			return err
		}
		tx.byf(d.App, "Update telemetry drain %s", kigo.MaskURL(d.Exporter.Endpoint))
		return tx.emit("telemetry.update", d.App, d.ID, map[string]any{"endpoint": kigo.MaskURL(d.Exporter.Endpoint), "signals": d.Signals})
	})
	return d, err
}

// RemoveTelemetryDrain ends a drain.
func (c *Control) RemoveTelemetryDrain(ctx context.Context, a Actor, id string) (d kigo.TelemetryDrain, err error) {
	err = c.update(ctx, a, func(tx *change) error {
		if d, err = tx.TelemetryDrain(id); err != nil {
			return err
		}
		if err := tx.DeleteTelemetryDrain(id); err != nil {
			return err
		}
		tx.byf(d.App, "Remove telemetry drain %s", kigo.MaskURL(d.Exporter.Endpoint))
		return tx.emit("telemetry.delete", d.App, d.ID, nil)
	})
	return d, err
}

func (c *Control) checkTelemetry(d kigo.TelemetryDrain) error {
	if err := d.Check(); err != nil {
		return err
	}
	u, err := url.Parse(d.Exporter.Endpoint)
	if err != nil || u.Hostname() == "" || len(d.Exporter.Endpoint) > 1000 || u.Scheme != "https" && (u.Scheme != "http" || !c.Outbound.Granted(u.Hostname())) {
		return kigo.Invalid("Exporter is invalid: its endpoint should look like https://otel.example.com/, signals are sent to /v1/metrics and /v1/logs below it.")
	}
	if err := c.Outbound.CheckHost(u.Hostname()); err != nil {
		return kigo.Invalid("Exporter is invalid: addresses that are not public cannot be reached, unless the operator allows them.")
	}
	return nil
}

// sameHost reports whether two addresses lead to one place by one protocol.
func sameHost(a, b string) bool {
	x, xerr := url.Parse(a)
	y, yerr := url.Parse(b)
	return xerr == nil && yerr == nil && x.Scheme == y.Scheme && x.Host == y.Host
}
