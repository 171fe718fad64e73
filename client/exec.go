package client

import (
	"context"
	"net/http"
	"net/url"
)

// Tunnel is where an SSH client goes to enter a dyno, as whom, and whose key it should find there.
type Tunnel struct {
	TunnelHost     string `json:"tunnel_host"`
	TunnelPort     int    `json:"tunnel_port"`
	ClientUser     string `json:"client_user"`
	ProxyPublicKey string `json:"proxy_public_key"`
	DynoIP         string `json:"dyno_ip"`
}

// OpenTunnel asks for a way into a dyno for the holder of an SSH key.
func (c *Client) OpenTunnel(ctx context.Context, app, dyno, publicKey string) (Tunnel, error) {
	return send[Tunnel](ctx, c, request{method: http.MethodPut, path: path("api", "v2", dyno) + "?app=" + url.QueryEscape(app),
		body: map[string]string{"client_key": publicKey}})
}

// Reservation is a dyno that can be entered.
type Reservation struct {
	DynoName string `json:"dyno_name"`
}

// Reservations lists the dynos of an app that can be entered.
func (c *Client) Reservations(ctx context.Context, app string) ([]Reservation, error) {
	return get[[]Reservation](ctx, c, path("api", "v2")+"?app="+url.QueryEscape(app))
}
