package control

import (
	"bytes"
	"context"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"net/url"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/secret"
	"github.com/kigo-dev/kigo/store"
)

const (
	maxKey     = 16 << 10 // bytes of a public key
	maxKeys    = 100      // of one account
	minRSA     = 2048     // bits
	maxClients = 100      // of one account
)

// SSHKeys returns the actor's own keys.
func (c *Control) SSHKeys(ctx context.Context, a Actor) (keys []kigo.SSHKey, err error) {
	err = c.Store.View(ctx, func(tx *store.Tx) error {
		keys, err = tx.SSHKeys(a.ID)
		return err
	})
	return keys, err
}

// AddSSHKey adds a public key, a line of authorized_keys, to the actor's own.
func (c *Control) AddSSHKey(ctx context.Context, a Actor, line string) (k kigo.SSHKey, err error) {
	if k, err = parseKey(line); err != nil {
		return k, err
	}
	k.Account = a.ID
	err = c.update(ctx, a, func(tx *change) error {
		if _, err := tx.SSHKeyByFingerprint(k.Fingerprint); err == nil {
			return kigo.Invalid("Fingerprint already exists. Please use another SSH key.")
		} else if !errors.Is(err, kigo.ErrNotFound) {
			return err
		}
		have, err := tx.SSHKeys(a.ID)
		if err != nil {
			return err
		}
		if len(have) >= maxKeys {
			return kigo.Invalid("You have %d keys, and more are not possible.", len(have))
		}
		return errors.Join(tx.CreateSSHKey(&k), tx.emit("key.create", "", k.ID, map[string]string{"fingerprint": k.Fingerprint}))
	})
	return k, err
}

func parseKey(line string) (k kigo.SSHKey, err error) {
	bad := func(why string) (kigo.SSHKey, error) { return kigo.SSHKey{}, kigo.Invalid("Key is invalid: %s", why) }
	if len(line) > maxKey {
		return bad("it is too long.")
	}
	if strings.Contains(line, "PRIVATE KEY") {
		return bad("that is a private key. Keep it to yourself, and send the public one, from the file that ends in .pub.")
	}
	key, comment, options, rest, err := ssh.ParseAuthorizedKey([]byte(line))
	if err != nil || len(options) > 0 || len(bytes.TrimSpace(rest)) > 0 {
		return bad("it should be one line such as ssh-ed25519 AAAAC3… you@example.com.")
	}
	if crypto, ok := key.(ssh.CryptoPublicKey); ok {
		if r, ok := crypto.CryptoPublicKey().(*rsa.PublicKey); ok && r.N.BitLen() < minRSA {
			return bad("an RSA key needs at least 2048 bits; an ed25519 key is shorter and stronger.")
		}
	}
	if key.Type() == "ssh-dss" {
		return bad("DSA keys are not safe any more; make an ed25519 key.")
	}
	if err := checkText("Key comment", comment, maxName); err != nil {
		return k, err
	}
	text := strings.TrimSpace(key.Type() + " " + base64.StdEncoding.EncodeToString(key.Marshal()) + " " + comment)
	return kigo.SSHKey{PublicKey: text, Comment: comment, Fingerprint: ssh.FingerprintLegacyMD5(key)}, nil
}

// RemoveSSHKey removes one of the actor's own, by id or fingerprint.
func (c *Control) RemoveSSHKey(ctx context.Context, a Actor, which string) (k kigo.SSHKey, err error) {
	err = c.update(ctx, a, func(tx *change) error {
		all, err := tx.SSHKeys(a.ID)
		if err != nil {
			return err
		}
		for _, k = range all {
			if which == k.ID || which == k.Fingerprint {
				return errors.Join(tx.DeleteSSHKey(k.ID), tx.emit("key.delete", "", k.ID, map[string]string{"fingerprint": k.Fingerprint}))
			}
		}
		return kigo.NotFound("key")
	})
	return k, err
}

// OAuthClients returns the actor's own.
func (c *Control) OAuthClients(ctx context.Context, a Actor) (all []kigo.OAuthClient, err error) {
	err = c.Store.View(ctx, func(tx *store.Tx) error {
		all, err = tx.OAuthClients(a.ID)
		return err
	})
	return all, err
}

// OAuthClientChange changes what is not nil.
type OAuthClientChange struct{ Name, RedirectURI *string }

func (ch OAuthClientChange) check() error {
	if ch.Name != nil {
		if *ch.Name == "" {
			return kigo.Invalid("Name is required.")
		}
		if err := checkText("Name", *ch.Name, maxName); err != nil {
			return err
		}
	}
	if ch.RedirectURI == nil {
		return nil
	}
	u, err := url.Parse(*ch.RedirectURI)
	local := err == nil && (u.Hostname() == "localhost" || u.Hostname() == "127.0.0.1" || u.Hostname() == "::1")
	if err != nil || u.Host == "" || u.Fragment != "" || u.User != nil || u.Scheme != "https" && (u.Scheme != "http" || !local) || len(*ch.RedirectURI) > maxSource {
		return kigo.Invalid("Redirect uri is invalid: it must be an https address without a fragment; http is for localhost alone.")
	}
	return nil
}

// CreateOAuthClient makes a client with a secret of its own.
func (c *Control) CreateOAuthClient(ctx context.Context, a Actor, ch OAuthClientChange) (client kigo.OAuthClient, err error) {
	if ch.Name == nil || ch.RedirectURI == nil {
		return client, kigo.Invalid("name and redirect_uri are required.")
	}
	if err := ch.check(); err != nil {
		return client, err
	}
	client = kigo.OAuthClient{Account: a.ID, Name: *ch.Name, RedirectURI: *ch.RedirectURI, Secret: secret.NewCapability()}
	err = c.update(ctx, a, func(tx *change) error {
		have, err := tx.OAuthClients(a.ID)
		if err != nil {
			return err
		}
		if len(have) >= maxClients {
			return kigo.Invalid("You have %d clients, and more are not possible.", len(have))
		}
		return errors.Join(tx.CreateOAuthClient(&client), tx.emit("client.create", "", client.ID, nil))
	})
	return client, err
}

// UpdateOAuthClient changes one of the actor's own.
func (c *Control) UpdateOAuthClient(ctx context.Context, a Actor, id string, ch OAuthClientChange) (kigo.OAuthClient, error) {
	if err := ch.check(); err != nil {
		return kigo.OAuthClient{}, err
	}
	return c.changeOAuthClient(ctx, a, id, func(tx *change, client *kigo.OAuthClient) error {
		if ch.Name != nil {
			client.Name = *ch.Name
		}
		if ch.RedirectURI != nil {
			client.RedirectURI = *ch.RedirectURI
		}
		return errors.Join(tx.UpdateOAuthClient(client), tx.emit("client.update", "", id, nil))
	})
}

// RotateOAuthClient gives one of the actor's own a new secret.
func (c *Control) RotateOAuthClient(ctx context.Context, a Actor, id string) (kigo.OAuthClient, error) {
	return c.changeOAuthClient(ctx, a, id, func(tx *change, client *kigo.OAuthClient) error {
		client.Secret = secret.NewCapability()
		return errors.Join(tx.UpdateOAuthClient(client), tx.emit("client.update", "", id, nil))
	})
}

// DeleteOAuthClient removes one of the actor's own.
func (c *Control) DeleteOAuthClient(ctx context.Context, a Actor, id string) (kigo.OAuthClient, error) {
	return c.changeOAuthClient(ctx, a, id, func(tx *change, _ *kigo.OAuthClient) error {
		return errors.Join(tx.DeleteOAuthClient(id), tx.emit("client.delete", "", id, nil))
	})
}

func (c *Control) changeOAuthClient(ctx context.Context, a Actor, id string, f func(*change, *kigo.OAuthClient) error) (client kigo.OAuthClient, err error) {
	err = c.update(ctx, a, func(tx *change) error {
		all, err := tx.OAuthClients(a.ID)
		if err != nil {
			return err
		}
		for _, client = range all {
			if client.ID == id {
				return f(tx, &client)
			}
		}
		return kigo.NotFound("OAuth client")
	})
	return client, err
}
