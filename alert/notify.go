package alert

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/outbound"
)

// Senders are the ways out.
type Senders struct {
	Mail   func(ctx context.Context, to []string, subject, text string) error // nil: no e-mail is sent
	Client *http.Client                                                       // for webhooks: one that reaches only what users may reach
}

// send brings a notice to everybody who does not have it yet, notes who has, and
// says what went wrong, if anything did: why for the app's people, without what the
// platform's own resolver or mail server said, detail for the operator.
func (s Senders) send(ctx context.Context, app kigo.App, a kigo.Alert, n *kigo.Notice) (why string, detail error) {
	var failed []string
	if len(a.Target.Emails) > 0 && !n.Mailed {
		subject, text := letter(app, a, *n)
		says, err := "this server sends no e-mail", errors.New("no mail server is set")
		if s.Mail != nil {
			says, err = "the platform's mail server did not take it", s.Mail(ctx, a.Target.Emails, subject, text)
		}
		if n.Mailed = err == nil; err != nil {
			failed, detail = append(failed, "e-mail: "+says), fmt.Errorf("e-mail: %w", err)
		}
	}
	if a.Target.Webhook != "" && !n.Called {
		err := s.call(ctx, app, a, *n)
		if n.Called = err == nil; err != nil {
			says := outbound.Class(err)
			if status := (answered)(0); errors.As(err, &status) {
				says = status.Error()
			}
			failed, detail = append(failed, "webhook: "+says), errors.Join(detail, fmt.Errorf("webhook: %w", err))
		}
	}
	return strings.Join(failed, "; "), detail
}

// letter is a notice in words.
func letter(app kigo.App, a kigo.Alert, n kigo.Notice) (subject, text string) {
	unit := kigo.AlertMetrics[a.Rule.Metric]
	what := a.Rule.Metric
	if a.Rule.Process != "" {
		what += " of " + a.Rule.Process
	}
	switch n.Kind {
	case kigo.NoticeResolved:
		subject = fmt.Sprintf("[%s] resolved: %s", app.Name, a.Name)
		text = fmt.Sprintf("%s of %s is at or below %g %s again, after %s.", what, app.Name, a.Rule.Clear, unit, n.At.Sub(n.Since).Round(time.Minute))
	case kigo.NoticeReminder:
		subject = fmt.Sprintf("[%s] still: %s", app.Name, a.Name)
		text = fmt.Sprintf("%s of %s is %.4g %s, above %g %s since %s.", what, app.Name, n.Value, unit, a.Rule.Above, unit, n.Since.UTC().Format(time.RFC3339))
	default:
		subject = fmt.Sprintf("[%s] alert: %s", app.Name, a.Name)
		text = fmt.Sprintf("%s of %s is %.4g %s, above %g %s since %s.", what, app.Name, n.Value, unit, a.Rule.Above, unit, n.Since.UTC().Format(time.RFC3339))
	}
	if n.Dropped > 0 {
		text += fmt.Sprintf("\n\n%d earlier messages of this alert could not be delivered.", n.Dropped)
	}
	return subject, text + fmt.Sprintf("\n\nSee `kigo metrics -a %s` and `kigo alerts -a %s`.\n", app.Name, app.Name)
}

// message is what a webhook gets.
type message struct {
	Type      string      `json:"type"` // alert.fired, alert.reminder or alert.resolved
	Timestamp time.Time   `json:"timestamp"`
	Data      messageData `json:"data"`
}

type messageData struct {
	App     map[string]string `json:"app"`
	Alert   string            `json:"alert"`
	Metric  string            `json:"metric"`
	Process string            `json:"process,omitempty"`
	Unit    string            `json:"unit"`
	Value   float64           `json:"value"`
	Above   float64           `json:"above"`
	Clear   float64           `json:"clear"`
	Since   time.Time         `json:"since"`
	Dropped int               `json:"dropped,omitempty"`
}

// call posts a notice as Standard Webhooks says: with an id that stays the same
// when it is tried again, and a signature.
func (s Senders) call(ctx context.Context, app kigo.App, a kigo.Alert, n kigo.Notice) error {
	body, err := json.Marshal(message{Type: "alert." + n.Kind, Timestamp: n.At.UTC(), Data: messageData{
		App: map[string]string{"id": string(app.ID), "name": app.Name}, Alert: a.Name, Metric: a.Rule.Metric, Process: a.Rule.Process,
		Unit: kigo.AlertMetrics[a.Rule.Metric], Value: n.Value, Above: a.Rule.Above, Clear: a.Rule.Clear, Since: n.Since.UTC(), Dropped: n.Dropped,
	}})
	if err != nil {
		return fmt.Errorf("encode notice: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, a.Target.Webhook, bytes.NewReader(body))
	if err != nil {
		return hide(err)
	}
	stamp := strconv.FormatInt(time.Now().Unix(), 10)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "Kigo-Alerts")
	r.Header.Set("Webhook-Id", n.ID)
	r.Header.Set("Webhook-Timestamp", stamp)
	r.Header.Set("Webhook-Signature", "v1,"+Sign(a.Target.Secret, n.ID, stamp, body))
	resp, err := s.Client.Do(r)
	if err != nil {
		return hide(err)
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, 64<<10) // the status is the answer
	if resp.StatusCode/100 != 2 {
		return answered(resp.StatusCode)
	}
	return nil
}

// answered is the status of a webhook that refused.
type answered int

func (a answered) Error() string { return fmt.Sprintf("it answered %d", int(a)) }

// Sign is the signature of Standard Webhooks, by the key that "whsec_" is written before.
func Sign(secret, id, stamp string, body []byte) string {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		key = []byte(secret)
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + stamp + "."))
	mac.Write(body)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// hide keeps an address, which may hold credentials, out of an error.
func hide(err error) error {
	var at *url.Error
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}
