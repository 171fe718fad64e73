package server

import (
	"cmp"
	"time"

	"github.com/kigo-dev/kigo/alert"
)

// alertTimeout is how long a webhook may take for a notice.
const alertTimeout = 15 * time.Second

// makeAlerts builds the loop that watches metrics.
func (n *node) makeAlerts() error {
	n.alerts = &alert.Loop{Store: n.store, History: n.history, Log: n.log, Every: n.cfg.Look(),
		Senders: alert.Senders{Client: n.control.Outbound.Client(nil, alertTimeout)}}
	if n.cfg.SMTP == "" {
		return nil
	}
	mailer, err := alert.NewMailer(n.cfg.SMTP, cmp.Or(n.cfg.MailFrom, n.cfg.Email))
	if err != nil {
		return err
	}
	n.alerts.Senders.Mail = mailer.Send
	return nil
}
