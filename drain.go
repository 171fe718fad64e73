package kigo

import (
	"net/url"
	"strings"
	"time"
)

// Drain is a place outside to which an app's log lines are sent.
type Drain struct {
	ID        string
	App       AppID
	Token     string // "d.<uuid>": names the drain to its receiver
	URL       string // may hold credentials: show Masked instead
	CreatedAt time.Time
	UpdatedAt time.Time
}

// MaxDrains is how many drains an app may have (Heroku's documentation of limits).
const MaxDrains = 5

// Masked is the URL without what may be a credential.
func (d Drain) Masked() string { return MaskURL(d.URL) }

// hidden stands for a credential.
const hidden = "xxxxx"

// MaskURL hides what may be a credential in a URL: the password, a user name
// without a password (some receivers take a token there), and the values of all
// query parameters. A URL that does not parse is hidden whole.
func MaskURL(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return hidden
	}
	if u.User != nil {
		if _, both := u.User.Password(); both {
			u.User = url.UserPassword(u.User.Username(), hidden)
		} else {
			u.User = url.User(hidden)
		}
	}
	if u.RawQuery != "" {
		pairs := strings.Split(u.RawQuery, "&")
		for i, pair := range pairs {
			if name, _, valued := strings.Cut(pair, "="); valued {
				pairs[i] = name + "=" + hidden
			} else {
				pairs[i] = hidden
			}
		}
		u.RawQuery = strings.Join(pairs, "&")
	}
	if u.Fragment != "" {
		u.Fragment, u.RawFragment = hidden, ""
	}
	return u.String()
}
