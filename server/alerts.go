package server

import (
	"cmp"
	"context"
	"time"

	"github.com/kigo-dev/kigo/alert"
	"github.com/kigo-dev/kigo/mail"
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
	mailer, err := mail.New(n.cfg.SMTP, cmp.Or(n.cfg.MailFrom, n.cfg.Email))
	if err != nil {
		return err
	}
	n.alerts.Senders.Mail = mailer.Send
	n.letters = &mail.Loop{Store: n.store, Send: mailer.Send, Reset: n.control.SendReset, Log: n.log}
	return nil
}

// mail sends letters, where there is a mail server.
func (n *node) mail(ctx context.Context) error {
	if n.letters == nil {
		<-ctx.Done()
		return nil
	}
	return n.letters.Run(ctx)
}
