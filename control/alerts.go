package control

import (
	"context"
	"encoding/base64"
	"net/url"
	"slices"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/secret"
)

// AddAlert watches a metric of an app. The answer has the secret that signs what a
// webhook gets.
func (c *Control) AddAlert(ctx context.Context, a Actor, alert kigo.Alert) (kigo.Alert, error) {
	if !inputName.MatchString(alert.Name) {
		return alert, kigo.Invalid("Name is invalid: %q must begin with a letter and hold only small letters, digits and dashes, 30 at most.", alert.Name)
	}
	if err := alert.Rule.Check(); err != nil {
		return alert, err
	}
	if err := alert.Target.Check(); err != nil {
		return alert, err
	}
	if err := c.checkAlertTarget(alert.Target); err != nil {
		return alert, err
	}
	if alert.Target.Webhook != "" {
		alert.Target.Secret = "whsec_" + base64.StdEncoding.EncodeToString([]byte(secret.NewCapability()))
	}
	err := c.update(ctx, a, func(tx *change) error {
		app, err := tx.app(alert.App)
		if err != nil {
			return err
		}
		have, err := tx.Alerts(alert.App)
		if err != nil {
			return err
		}
		switch {
		case len(have) >= kigo.MaxAlerts:
			return kigo.Invalid("%s has %d alerts, and more are not possible: remove one first.", app.Name, len(have))
		case slices.ContainsFunc(have, func(other kigo.Alert) bool { return other.Name == alert.Name }):
			return kigo.Conflict("%s has an alert called %s already.", app.Name, alert.Name)
		}
		if err := tx.CreateAlert(&alert); err != nil {
			return err
		}
		tx.byf(alert.App, "Add alert %s", alert.Name)
		return tx.emit("alert.create", alert.App, alert.ID, map[string]string{"name": alert.Name, "metric": alert.Rule.Metric})
	})
	return alert, err
}

// checkAlertTarget says what is wrong with where alerts are to go.
func (c *Control) checkAlertTarget(t kigo.AlertTarget) error {
	if len(t.Emails) > 0 && !c.Mail {
		return kigo.Invalid("This server sends no e-mail: its operator has not set --smtp. Use a webhook.")
	}
	if t.Webhook == "" {
		return nil
	}
	u, err := url.Parse(t.Webhook)
	if err != nil || u.Hostname() == "" || len(t.Webhook) > maxDrainURL || u.Scheme != "https" && (u.Scheme != "http" || !c.Outbound.Granted(u.Hostname())) {
		return kigo.Invalid("Webhook is invalid: it should look like https://hooks.example.com/path.")
	}
	if err := c.Outbound.CheckHost(u.Hostname()); err != nil {
		return kigo.Invalid("Webhook is invalid: addresses that are not public cannot be reached, unless the operator allows them.")
	}
	return nil
}

// RemoveAlert ends an alert, named by its id or name.
func (c *Control) RemoveAlert(ctx context.Context, a Actor, id kigo.AppID, which string) (gone kigo.Alert, err error) {
	err = c.update(ctx, a, func(tx *change) error {
		if _, err := tx.app(id); err != nil {
			return err
		}
		have, err := tx.Alerts(id)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(have, func(x kigo.Alert) bool { return x.ID == which || x.Name == which })
		if i < 0 {
			return kigo.NotFound("alert")
		}
		gone = have[i]
		if err := tx.DeleteAlert(gone.ID); err != nil {
			return err
		}
		tx.byf(id, "Remove alert %s", gone.Name)
		return tx.emit("alert.delete", id, gone.ID, map[string]string{"name": gone.Name})
	})
	return gone, err
}
