package control

import (
	"context"
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/kigo-dev/kigo"
)

const maxDrainURL = 2048 // bytes

// AddDrain sends an app's log lines to a URL from now on.
func (c *Control) AddDrain(ctx context.Context, a Actor, id kigo.AppID, address string) (d kigo.Drain, err error) {
	if err := c.checkDrain(address); err != nil {
		return d, err
	}
	err = c.update(ctx, a, func(tx *change) error {
		app, err := tx.app(id)
		if err != nil {
			return err
		}
		have, err := tx.Drains(id)
		if err != nil {
			return err
		}
		for _, other := range have {
			if other.URL == address {
				return kigo.Conflict("%s drains to %s already.", app.Name, other.Masked())
			}
		}
		if len(have) >= kigo.MaxDrains {
			return kigo.Invalid("%s has %d log drains, and more are not possible: remove one first.", app.Name, len(have))
		}
		d = kigo.Drain{App: id, URL: address}
		if err := tx.CreateDrain(&d); err != nil {
			return err
		}
		tx.byf(id, "Add log drain %s", d.Masked())
		return tx.emit("drain.create", id, d.ID, map[string]string{"url": d.Masked(), "token": d.Token})
	})
	return d, err
}

// RemoveDrain ends a drain, named by its id, token or URL.
func (c *Control) RemoveDrain(ctx context.Context, a Actor, id kigo.AppID, which string) (d kigo.Drain, err error) {
	err = c.update(ctx, a, func(tx *change) error {
		if _, err := tx.app(id); err != nil {
			return err
		}
		if d, err = tx.FindDrain(id, which); err != nil {
			return err
		}
		if err := tx.DeleteDrain(d.ID); err != nil {
			return err
		}
		tx.byf(id, "Remove log drain %s", d.Masked())
		return tx.emit("drain.delete", id, d.ID, map[string]string{"url": d.Masked(), "token": d.Token})
	})
	return d, err
}

// checkDrain says what is wrong with a drain's URL. What it says never repeats
// the URL, which may hold a credential.
func (c *Control) checkDrain(address string) error {
	bad := func(why string) error { return kigo.Invalid("Url is invalid: %s", why) }
	if len(address) > maxDrainURL {
		return bad("it is longer than " + strconv.Itoa(maxDrainURL) + " bytes.")
	}
	for i := range len(address) {
		if address[i] <= ' ' || address[i] >= 0x7f {
			return bad("it holds a space, a control character or one that is not ASCII; write it as %20 and so on.")
		}
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Opaque != "" {
		return bad("it should look like https://logs.example.com/path, syslog+tls://logs.example.com:6514 or syslog://logs.example.com:514.")
	}
	host, port := u.Hostname(), u.Port()
	if n, err := strconv.Atoi(port); port != "" && (err != nil || n < 1 || n > 65535) || host == "" {
		return bad("its host or port cannot be.")
	}
	switch u.Scheme {
	case "https":
	case "http":
		if !c.Outbound.Granted(host) {
			return bad("plain http would show your logs to everybody on the way; use https.")
		}
	case "syslog", "syslog+tls":
		switch {
		case port == "":
			return bad("a syslog drain needs a port, such as " + u.Scheme + "://" + net.JoinHostPort(host, "6514") + ".")
		case strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.User != nil || u.Fragment != "":
			return bad("a syslog drain is a host and a port, nothing else.")
		}
	default:
		return bad("its scheme must be https, syslog+tls or syslog.")
	}
	if err := c.Outbound.CheckHost(host); err != nil {
		return bad("addresses that are not public cannot be reached by drains, unless the operator allows them.")
	}
	return nil
}
