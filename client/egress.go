package client

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

// EgressRule opens or closes a part of the network to an app's dynos.
type EgressRule struct {
	Action    string    `json:"action"` // "allow" or "deny"
	CreatedAt time.Time `json:"created_at"`
	ID        string    `json:"id"`
	Origin    string    `json:"origin"`  // who keeps it, such as an add-on; empty: people
	Port      int       `json:"port"`    // 0: all
	Private   bool      `json:"private"` // it is not, or not only, about the public internet
	Target    string    `json:"target"`  // range of addresses
}

// Isolation is how an app's dynos are kept apart from the machine.
type Isolation struct {
	Class string `json:"class"` // "standard" or "hardened"
}

// EgressRules lists an app's rules.
func (c *Client) EgressRules(ctx context.Context, app string) (all []EgressRule, err error) {
	err = c.Do(ctx, http.MethodGet, egressPath(app), nil, &all)
	return all, err
}

// SetEgressRule adds a rule, or replaces the one for the same target; target is CIDR, ADDRESS,
// CIDR:PORT or ADDRESS:PORT.
func (c *Client) SetEgressRule(ctx context.Context, app, action, target string) (r EgressRule, err error) {
	err = c.Do(ctx, http.MethodPost, egressPath(app), map[string]string{"action": action, "target": target}, &r)
	return r, err
}

// RemoveEgressRule removes a rule, named by its id or target.
func (c *Client) RemoveEgressRule(ctx context.Context, app, which string) (r EgressRule, err error) {
	err = c.Do(ctx, http.MethodDelete, egressPath(app)+"/"+url.PathEscape(which), nil, &r)
	return r, err
}

func egressPath(app string) string { return "/apps/" + url.PathEscape(app) + "/egress-rules" }

// Isolation says how an app's dynos are kept apart from the machine.
func (c *Client) Isolation(ctx context.Context, app string) (i Isolation, err error) {
	err = c.Do(ctx, http.MethodGet, "/apps/"+url.PathEscape(app)+"/isolation", nil, &i)
	return i, err
}

// TeamIsolation is that of a team's apps which say nothing themselves.
func (c *Client) TeamIsolation(ctx context.Context, team string) (i Isolation, err error) {
	err = c.Do(ctx, http.MethodGet, "/teams/"+url.PathEscape(team)+"/isolation", nil, &i)
	return i, err
}

// SetTeamIsolation chooses it.
func (c *Client) SetTeamIsolation(ctx context.Context, team, class string) error {
	return c.Do(ctx, http.MethodPatch, "/teams/"+url.PathEscape(team)+"/isolation", map[string]string{"class": class}, nil)
}

// SetIsolation chooses it.
func (c *Client) SetIsolation(ctx context.Context, app, class string) error {
	return c.Do(ctx, http.MethodPatch, "/apps/"+url.PathEscape(app)+"/isolation", map[string]string{"class": class}, nil)
}
