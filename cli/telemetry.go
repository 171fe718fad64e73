package cli

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/kigo-dev/kigo/client"
)

var telemetryCommands = []command{
	{name: "telemetry", short: "list where the OpenTelemetry signals of an app are sent", app: oneApp, login: true, run: telemetryList},
	{name: "telemetry:add", args: "ENDPOINT", short: "send signals of an app to a consumer of OpenTelemetry", app: oneApp, login: true, run: telemetryAdd, flags: func(fs *pflag.FlagSet) {
		telemetryFlags(fs, "all", "http")
	}},
	{name: "telemetry:info", args: "ID", short: "show a telemetry drain", login: true, run: telemetryInfo},
	{name: "telemetry:remove", args: "[ID]", short: "end a telemetry drain, or with --app all of an app", app: maybeApp, login: true, run: telemetryRemove},
	{name: "telemetry:update", args: "ID", short: "change a telemetry drain", login: true, run: telemetryUpdate, flags: func(fs *pflag.FlagSet) {
		fs.String("endpoint", "", "where to send")
		telemetryFlags(fs, "", "")
	}},
}

func telemetryFlags(fs *pflag.FlagSet, signals, transport string) {
	fs.String("headers", "", `headers to send, as JSON such as {"x-api-key":"secret"}`)
	fs.String("signals", signals, "traces, metrics, logs: some of them, divided by commas, or all")
	fs.String("transport", transport, "http or grpc")
}

func telemetryList(c *call) error {
	list, err := all[client.TelemetryDrain](c, "apps", c.app, "telemetry-drains")
	if err != nil {
		return err
	}
	if len(list) == 0 {
		c.println("There are no telemetry drains in %s", c.app)
		return nil
	}
	rows := make([][]string, len(list))
	for i, d := range list {
		rows[i] = []string{d.ID, strings.Join(d.Signals, ","), d.Exporter.Endpoint}
	}
	c.header("%s Telemetry Drains", c.app)
	c.table([]string{"ID", "Signals", "Endpoint"}, rows)
	return nil
}

// telemetryChange is what the flags say of a drain.
func (c *call) telemetryChange(endpoint string) (map[string]any, error) {
	body, exporter := map[string]any{}, map[string]any{}
	if s := c.str("signals"); s != "" {
		known := []string{"traces", "metrics", "logs"}
		if s == "all" {
			s = strings.Join(known, ",")
		}
		signals := strings.Split(s, ",")
		for _, one := range signals {
			if !slices.Contains(known, one) {
				return nil, usage(1, "Invalid signal option: %s. Run kigo telemetry:add --help to see signal options.", s)
			}
		}
		body["signals"] = signals
	}
	if h := c.str("headers"); h != "" {
		var headers map[string]string
		if err := json.Unmarshal([]byte(h), &headers); err != nil {
			return nil, sentence(`--headers %s is no JSON object of texts, such as {"x-api-key":"secret"}`, h)
		}
		exporter["headers"] = headers
	}
	switch c.str("transport") {
	case "":
	case "http":
		exporter["type"] = "otlphttp"
	case "grpc":
		exporter["type"] = "otlp"
	default:
		return nil, sentence("Expected --transport=%s to be one of: http, grpc", c.str("transport"))
	}
	if endpoint != "" {
		exporter["endpoint"] = endpoint
	}
	if len(exporter) > 0 {
		body["exporter"] = exporter
	}
	return body, nil
}

func telemetryAdd(c *call) error {
	body, err := c.telemetryChange(c.arg(0))
	if err != nil {
		return err
	}
	if exporter := body["exporter"].(map[string]any); exporter["headers"] == nil {
		exporter["headers"] = map[string]string{}
	}
	app, err := c.api.App(c, c.app)
	if err != nil {
		return err
	}
	body["owner"] = client.TelemetryOwner{ID: app.ID, Type: "app"}
	var d client.TelemetryDrain
	if err := c.send("POST", body, &d, "telemetry-drains"); err != nil {
		return err
	}
	c.println("successfully added drain %s", d.Exporter.Endpoint)
	return nil
}

func telemetryInfo(c *call) error {
	d, err := get[client.TelemetryDrain](c, "telemetry-drains", c.arg(0))
	if err != nil {
		return err
	}
	return c.telemetryDrain(d)
}

func (c *call) telemetryDrain(d client.TelemetryDrain) error {
	app, err := c.api.App(c, d.Owner.ID)
	if err != nil {
		return err
	}
	transport := "HTTP"
	if d.Exporter.Type == "otlp" {
		transport = "gRPC"
	}
	pairs := []pair{one("App", app.Name), one("Signals", strings.Join(d.Signals, ", ")), one("Endpoint", d.Exporter.Endpoint), one("Transport", transport)}
	if d.Exporter.Headers != nil {
		headers, err := json.Marshal(d.Exporter.Headers)
		if err != nil {
			return sentence("The headers of %s cannot be shown: %v", d.ID, err)
		}
		pairs = append(pairs, one("Headers", string(headers)))
	}
	c.header("%s", d.ID)
	c.object(pairs)
	return nil
}

func telemetryRemove(c *call) error {
	if id := c.arg(0); id != "" {
		return c.act("Removing telemetry drain "+id, "DELETE", nil, "telemetry-drains", id)
	}
	if c.app == "" {
		return usage(2, "Requires either --app or a TELEMETRY_DRAIN_ID to be provided.\nSee more help with --help")
	}
	c.begin("Removing all telemetry drains from app %s", c.app)
	list, err := all[client.TelemetryDrain](c, "apps", c.app, "telemetry-drains")
	for _, d := range list {
		if err == nil {
			err = c.send("DELETE", nil, nil, "telemetry-drains", d.ID)
		}
	}
	return c.ended(err)
}

func telemetryUpdate(c *call) error {
	body, err := c.telemetryChange(c.str("endpoint"))
	if err != nil {
		return err
	}
	if len(body) == 0 {
		return usage(2, "Requires either --signals, --endpoint, --transport or HEADERS to be provided.\nSee more help with --help")
	}
	c.begin("Updating telemetry drain %s", c.arg(0))
	var d client.TelemetryDrain
	if err := c.ended(c.send("PATCH", body, &d, "telemetry-drains", c.arg(0))); err != nil {
		return err
	}
	return c.telemetryDrain(d)
}
