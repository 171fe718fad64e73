package api

import (
	"net/http"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/store"
)

// The exec endpoint, at HEROKU_EXEC_URL: ps:exec, ps:copy, ps:forward and ps:socks
// ask it for a way into a dyno. The app is the user name of Basic credentials, the token
// their password. It is no part of the Platform API and takes no Accept header.

// Tunnel is where an SSH client goes, as whom, and whom it should find there.
type Tunnel struct {
	TunnelHost     string `json:"tunnel_host"`
	TunnelPort     int    `json:"tunnel_port"` // the official client takes 80
	ClientUser     string `json:"client_user"`
	ProxyPublicKey string `json:"proxy_public_key"`
	DynoIP         string `json:"dyno_ip"`
}

// Tunnels makes ways into dynos.
type Tunnels interface {
	Tunnel(r *http.Request, a kigo.Authorization, dyno kigo.DynoID, clientKey string) (Tunnel, error)
}

// execApp takes the steps that the endpoint has in common with other routes.
func (c *call) execApp() error {
	for _, step := range []func() error{c.authenticate, c.spend} {
		if err := step(); err != nil {
			return err
		}
	}
	if err := write.check(c.auth.Scope); err != nil {
		return err
	}
	app, _, _ := c.r.BasicAuth()
	if app == "" {
		app = c.r.URL.Query().Get("app")
	}
	if app == "" {
		return kigo.Invalid("Which app? Its name is the user name of the Basic credentials, or ?app=NAME.")
	}
	if err := c.findApp(app); err != nil {
		return err
	}
	return c.s.Control.Can(c.ctx(), c.actor, kigo.PermissionOperate, c.app)
}

func execCreate(c *call) (reply, error) {
	if err := c.execApp(); err != nil {
		return reply{}, err
	}
	if c.s.Exec == nil {
		return reply{}, kigo.Invalid("This server does not serve ps:exec.")
	}
	var in struct {
		ClientKey *string `json:"client_key"`
	}
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	if value(in.ClientKey) == "" {
		return reply{}, kigo.Invalid("client_key is required: an SSH public key, such as \"ssh-ed25519 AAAA…\".")
	}
	d, err := ctrl(c).OpenExec(c.ctx(), c.actor, c.app.ID, c.param("dyno"))
	if err != nil {
		return reply{}, err
	}
	out, err := c.s.Exec.Tunnel(c.r, kigo.Authorization{ID: c.auth.ID, Account: c.actor.ID}, d.ID, *in.ClientKey)
	out.DynoIP = "127.0.0.1" // for those who forward there: it is the dyno itself
	return ok(out), err
}

// execList lists the dynos that can be entered.
func execList(c *call) (reply, error) {
	if err := c.execApp(); err != nil {
		return reply{}, err
	}
	type reservation struct {
		DynoName string `json:"dyno_name"`
	}
	out := []reservation{}
	err := c.view(func(tx *store.Tx) error {
		dynos, err := tx.Dynos(c.app.ID)
		for _, d := range dynos {
			if d.State == kigo.DynoUp && !d.Stop && d.Inside == "" {
				out = append(out, reservation{d.Name()})
			}
		}
		return err
	})
	return ok(out), err
}
