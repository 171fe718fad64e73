package acme

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/mholt/acmez/v3"
	"github.com/mholt/acmez/v3/acme"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/store"
)

// client speaks to the authority.
type client struct {
	loop *Loop
	http *http.Client

	mu      sync.Mutex // of making the account
	account *acme.Account
}

func newClient(l *Loop) *client {
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, TLSHandshakeTimeout: 20 * time.Second, ResponseHeaderTimeout: time.Minute,
		ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: l.Roots, MinVersion: tls.VersionTLS12}}
	return &client{loop: l, http: &http.Client{Transport: transport, Timeout: time.Minute}}
}

// obtain proves that the domain is ours and returns its certificate's chain and
// its key, as PEM.
func (c *client) obtain(ctx context.Context, d kigo.Domain) (chain, key string, err error) {
	api := &acme.Client{Directory: c.loop.Directory, HTTPClient: c.http, UserAgent: "kigo"}
	account, err := c.register(ctx, api)
	if err != nil {
		return "", "", fmt.Errorf("register at the certificate authority: %w", err)
	}
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", "", fmt.Errorf("make key: %w", err)
	}
	orders := &acmez.Client{Client: api, ChallengeSolvers: map[string]acmez.Solver{acme.ChallengeTypeHTTP01: &solver{c.loop, d}}}
	certs, err := orders.ObtainCertificateForSANs(ctx, account, private, []string{d.Hostname})
	if err != nil {
		return "", "", c.unknown(ctx, err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return "", "", fmt.Errorf("write key: %w", err)
	}
	pair, err := tls.X509KeyPair(certs[0].ChainPEM, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	if err != nil {
		return "", "", fmt.Errorf("check the certificate that was given out: %w", err)
	}
	if err := pair.Leaf.VerifyHostname(d.Hostname); err != nil {
		return "", "", fmt.Errorf("check the certificate that was given out: %w", err)
	}
	return string(certs[0].ChainPEM), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), nil
}

// keptAccount is an account with its key, as the store has it.
type keptAccount struct {
	Account acme.Account
	Key     []byte // PKCS #8
}

// register returns the platform's account at the authority, made at the first use.
func (c *client) register(ctx context.Context, api *acme.Client) (acme.Account, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.account != nil {
		return *c.account, nil
	}
	kept, err := c.readAccount(ctx)
	if err == nil {
		c.account = &kept
		return kept, nil
	}
	if !errors.Is(err, kigo.ErrNotFound) {
		return acme.Account{}, err
	}
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return acme.Account{}, fmt.Errorf("make key: %w", err)
	}
	fresh := acme.Account{TermsOfServiceAgreed: true, PrivateKey: private}
	if c.loop.Email != "" {
		fresh.Contact = []string{"mailto:" + c.loop.Email}
	}
	if fresh, err = api.NewAccount(ctx, fresh); err != nil {
		return acme.Account{}, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return acme.Account{}, fmt.Errorf("write key: %w", err)
	}
	text, err := json.Marshal(keptAccount{fresh, der})
	if err != nil {
		return acme.Account{}, fmt.Errorf("write account: %w", err)
	}
	err = c.loop.Store.Update(ctx, func(tx *store.Tx) error { return tx.PutACMEAccount(c.loop.Directory, text) })
	if err == nil {
		c.account = &fresh
	}
	return fresh, err
}

func (c *client) readAccount(ctx context.Context) (acme.Account, error) {
	var kept keptAccount
	err := c.loop.Store.View(ctx, func(tx *store.Tx) error {
		text, err := tx.ACMEAccount(c.loop.Directory)
		if err != nil {
			return err
		}
		return json.Unmarshal(text, &kept)
	})
	if err != nil {
		return acme.Account{}, err
	}
	private, err := x509.ParsePKCS8PrivateKey(kept.Key)
	if err != nil {
		return acme.Account{}, fmt.Errorf("read key: %w", err)
	}
	signer, ok := private.(*ecdsa.PrivateKey)
	if !ok {
		return acme.Account{}, errors.New("read key: it is of another kind")
	}
	kept.Account.PrivateKey = signer
	return kept.Account, nil
}

// unknown forgets the account when err says that the authority does not know it
// (any more): the next try makes a new one. It returns err.
func (c *client) unknown(ctx context.Context, err error) error {
	var problem acme.Problem
	if !errors.As(err, &problem) || problem.Type != acme.ProblemTypeAccountDoesNotExist {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.account = nil
	return errors.Join(err, c.loop.Store.Update(ctx, func(tx *store.Tx) error { return tx.DeleteACMEAccount(c.loop.Directory) }))
}

// solver has the router answer the challenges of one domain.
type solver struct {
	loop   *Loop
	domain kigo.Domain
}

// Present lets the router answer.
func (s *solver) Present(ctx context.Context, c acme.Challenge) error {
	return s.loop.Store.Update(ctx, func(tx *store.Tx) error {
		err := tx.CreateChallenge(kigo.Challenge{App: s.domain.App, Host: s.domain.Hostname, Token: c.Token, Answer: c.KeyAuthorization})
		return errors.Join(err, s.emit(tx))
	})
}

// Wait returns when the router knows of it.
func (s *solver) Wait(ctx context.Context, _ acme.Challenge) error {
	if s.loop.Settle != nil {
		_ = s.loop.Settle(ctx) // the authority asks again
	}
	return ctx.Err()
}

// CleanUp ends that, also when ctx is done.
func (s *solver) CleanUp(ctx context.Context, c acme.Challenge) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return s.loop.Store.Update(ctx, func(tx *store.Tx) error {
		return errors.Join(tx.DeleteChallenge(s.domain.App, s.domain.Hostname, c.Token), s.emit(tx))
	})
}

// emit tells the router's side that the app's challenges are others.
func (s *solver) emit(tx *store.Tx) error {
	return tx.Emit(kigo.Event{Kind: "challenge.update", App: s.domain.App, Key: s.domain.ID})
}

// reason is what the owner of a domain is told: the authority's own words, where
// there are any.
func reason(err error) string {
	var problem acme.Problem
	if errors.As(err, &problem) {
		text := problem.Detail
		for _, sub := range problem.Subproblems {
			text += " " + sub.Detail
		}
		if text == "" {
			text = problem.Title
		}
		kind := strings.TrimPrefix(problem.Type, acme.ProblemTypeNamespace)
		return strings.TrimSpace(text + " (" + kind + ")")
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return "The certificate authority did not answer in time."
	}
	return err.Error()
}
