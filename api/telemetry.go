package api

import (
	"maps"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/client"
	"github.com/kigo-dev/kigo/store"
)

// serializeTelemetry shows a drain; what may be a credential is masked.
func serializeTelemetry(d kigo.TelemetryDrain) client.TelemetryDrain {
	headers := map[string]string{}
	for name := range d.Exporter.Headers {
		headers[name] = "xxxxx"
	}
	return client.TelemetryDrain{
		CreatedAt: second(d.CreatedAt), ID: d.ID, UpdatedAt: second(d.UpdatedAt), Signals: d.Signals,
		Owner:    client.TelemetryOwner{ID: string(d.App), Type: "app"},
		Exporter: client.Exporter{Type: d.Exporter.Type, Endpoint: kigo.MaskURL(d.Exporter.Endpoint), Headers: headers},
	}
}

func telemetryList(c *call) (reply, error) {
	var all []kigo.TelemetryDrain
	err := c.view(func(tx *store.Tx) (err error) {
		all, err = tx.TelemetryDrains(c.app.ID)
		return err
	})
	if err != nil {
		return reply{}, err
	}
	return page(c, all, each(serializeTelemetry), textKey("id", func(d kigo.TelemetryDrain) string { return d.ID }))
}

func telemetryCreate(c *call) (reply, error) {
	var in struct {
		Owner *struct {
			ID   string `json:"id"`
			Type string `json:"type"`
		} `json:"owner"`
		Signals  *[]string        `json:"signals"`
		Exporter *client.Exporter `json:"exporter"`
	}
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	switch {
	case in.Owner == nil || in.Owner.ID == "":
		return reply{}, kigo.Invalid("owner is required: {\"id\":APP,\"type\":\"app\"}.")
	case in.Owner.Type != "" && in.Owner.Type != "app":
		return reply{}, kigo.Invalid("Owner is invalid: telemetry drains are of apps; there are no spaces here.")
	case in.Exporter == nil:
		return reply{}, kigo.Invalid("exporter is required: {\"type\":\"otlphttp\",\"endpoint\":\"https://otel.example.com/\"}.")
	}
	if err := c.findApp(in.Owner.ID); err != nil {
		return reply{}, err
	}
	d := kigo.TelemetryDrain{App: c.app.ID, Exporter: kigo.Exporter(*in.Exporter)}
	if in.Signals != nil {
		d.Signals = *in.Signals
	}
	made, err := ctrl(c).AddTelemetryDrain(c.ctx(), c.actor, d)
	return created(serializeTelemetry(made)), err
}

// telemetry finds {drain} of the path, if the actor may see its app.
func (c *call) telemetry() (d kigo.TelemetryDrain, err error) {
	err = c.view(func(tx *store.Tx) error {
		d, err = tx.TelemetryDrain(c.param("drain"))
		return err
	})
	if err != nil {
		return d, err
	}
	if c.findApp(string(d.App)) != nil {
		return d, kigo.NotFound("telemetry drain")
	}
	return d, ctrl(c).Can(c.ctx(), c.actor, kigo.PermissionOperate, c.app)
}

func telemetryInfo(c *call) (reply, error) {
	d, err := c.telemetry()
	return ok(serializeTelemetry(d)), err
}

func telemetryUpdate(c *call) (reply, error) {
	var in struct {
		Signals  *[]string `json:"signals"`
		Exporter *struct {
			Type     *string            `json:"type"`
			Endpoint *string            `json:"endpoint"`
			Headers  *map[string]string `json:"headers"`
		} `json:"exporter"`
	}
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	d, err := c.telemetry()
	if err != nil {
		return reply{}, err
	}
	changed, err := ctrl(c).UpdateTelemetryDrain(c.ctx(), c.actor, d.ID, func(d *kigo.TelemetryDrain) {
		if in.Signals != nil {
			d.Signals = *in.Signals
		}
		if e := in.Exporter; e != nil {
			if e.Type != nil {
				d.Exporter.Type = *e.Type
			}
			if e.Endpoint != nil {
				d.Exporter.Endpoint = *e.Endpoint
			}
			if e.Headers != nil {
				d.Exporter.Headers = maps.Clone(*e.Headers)
			}
		}
	})
	return ok(serializeTelemetry(changed)), err
}

func telemetryDelete(c *call) (reply, error) {
	d, err := c.telemetry()
	if err != nil {
		return reply{}, err
	}
	d, err = ctrl(c).RemoveTelemetryDrain(c.ctx(), c.actor, d.ID)
	return ok(serializeTelemetry(d)), err
}
