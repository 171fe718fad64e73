package api_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/kigo-dev/kigo/client"
	"github.com/kigo-dev/kigo/store"
)

func TestCollaboratorsComeWorkAndGo(t *testing.T) {
	t.Parallel()
	s, ctx := newServer(t), t.Context()
	s.app("myapp")
	bob := s.as(s.second("bob@example.com", "global"))
	var made client.Collaborator
	must(t, s.Do(ctx, "POST", "/apps/myapp/collaborators", map[string]any{"user": "Bob@example.com", "silent": true}, &made))
	if made.User.Email != "bob@example.com" || *made.Role != "collaborator" || len(made.Permissions) != 3 {
		t.Errorf("made %+v", made)
	}
	all, err := s.Collaborators(ctx, "myapp")
	must(t, err)
	if len(all) != 2 {
		t.Errorf("collaborators %+v", all)
	}
	apps, err := bob.Apps(ctx)
	must(t, err)
	if len(apps) != 1 || apps[0].Owner.Email != operator {
		t.Errorf("bob sees %+v", apps)
	}
	_, err = bob.SetConfigVars(ctx, "myapp", map[string]*string{"A": ptr("1")})
	must(t, err)
	for _, r := range []struct {
		method, path string
		body         any
	}{
		{"DELETE", "/apps/myapp", nil}, {"PATCH", "/apps/myapp", map[string]any{"name": "stolen"}},
		{"POST", "/apps/myapp/collaborators", map[string]any{"user": operator}}, {"DELETE", "/apps/myapp/collaborators/" + operator, nil},
		{"POST", "/account/app-transfers", map[string]any{"app": "myapp", "recipient": "bob@example.com"}},
	} {
		wantError(t, bob.Do(ctx, r.method, r.path, r.body, nil), 403, "forbidden", "")
	}
	for user, text := range map[string]string{"nobody@example.com": "accounts:create", "bob@example.com": "already a collaborator", operator: "owns", "": "required"} {
		err := s.Do(ctx, "POST", "/apps/myapp/collaborators", map[string]any{"user": user}, nil)
		if e, _ := err.(*client.Error); e == nil || !strings.Contains(e.Message, text) {
			t.Errorf("adding %q: %v", user, err)
		}
	}
	wantError(t, s.Do(ctx, "DELETE", "/apps/myapp/collaborators/"+operator, nil, nil), 422, "invalid_params", "owns")
	var one client.Collaborator
	must(t, s.Do(ctx, "GET", "/apps/myapp/collaborators/"+made.ID, nil, &one))
	must(t, bob.Do(ctx, "DELETE", "/apps/myapp/collaborators/bob@example.com", nil, &one)) // he leaves
	wantError(t, bob.Do(ctx, "GET", "/apps/myapp", nil, nil), 404, "not_found", "Couldn't find that app.")
	wantError(t, s.Do(ctx, "DELETE", "/apps/myapp/collaborators/bob@example.com", nil, nil), 404, "not_found", "collaborator")
}

func TestAppsAreTransferred(t *testing.T) {
	t.Parallel()
	s, ctx := newServer(t), t.Context()
	app := s.app("myapp")
	bob, eve := s.as(s.second("bob@example.com", "global")), s.as(s.second("eve@example.com", "global"))
	offer := func() (o client.AppTransfer) {
		must(t, s.Do(ctx, "POST", "/account/app-transfers", map[string]any{"app": "myapp", "recipient": "bob@example.com"}, &o))
		return o
	}
	o := offer()
	if o.State != "pending" || o.App.ID != app.ID || o.Owner.Email != operator || o.Recipient.Email != "bob@example.com" {
		t.Errorf("offer %+v", o)
	}
	wantError(t, s.Do(ctx, "POST", "/account/app-transfers", map[string]any{"app": "myapp", "recipient": "eve@example.com"}, nil), 422, "invalid_params", "already")
	accept := map[string]string{"state": "accepted"}
	wantError(t, eve.Do(ctx, "PATCH", "/account/app-transfers/"+o.ID, accept, nil), 404, "not_found", "app transfer")
	wantError(t, eve.Do(ctx, "GET", "/account/app-transfers/"+o.ID, nil, nil), 404, "not_found", "app transfer")
	wantError(t, s.Do(ctx, "PATCH", "/account/app-transfers/"+o.ID, accept, nil), 403, "forbidden", "bob@example.com")
	wantError(t, bob.Do(ctx, "DELETE", "/account/app-transfers/"+o.ID, nil, nil), 403, "forbidden", operator)
	wantError(t, bob.Do(ctx, "PATCH", "/account/app-transfers/"+o.ID, map[string]string{"state": "pending"}, nil), 422, "invalid_params", "accepted or declined")
	must(t, s.Do(ctx, "DELETE", "/account/app-transfers/myapp", nil, nil))
	o = offer()
	must(t, bob.Do(ctx, "PATCH", "/account/app-transfers/"+o.ID, map[string]string{"state": "declined"}, &o))
	if o.State != "declined" {
		t.Errorf("declined %+v", o)
	}
	o = offer()
	must(t, bob.Do(ctx, "GET", "/account/app-transfers/"+o.ID, nil, &o))
	must(t, bob.Do(ctx, "PATCH", "/account/app-transfers/"+o.ID, accept, &o))
	wantError(t, bob.Do(ctx, "PATCH", "/account/app-transfers/"+o.ID, accept, nil), 422, "invalid_params", "accepted already")
	mine, err := bob.App(ctx, "myapp")
	must(t, err)
	if mine.Owner.Email != "bob@example.com" || mine.ID != app.ID {
		t.Errorf("after the transfer %+v", mine.Owner)
	}
	if _, err := s.App(ctx, "myapp"); err != nil {
		t.Errorf("the former owner is no collaborator: %v", err)
	}
	wantError(t, s.Do(ctx, "DELETE", "/apps/myapp", nil, nil), 403, "forbidden", "manage")
	var all []client.AppTransfer
	must(t, bob.Do(ctx, "GET", "/account/app-transfers", nil, &all))
	if len(all) != 2 {
		t.Errorf("transfers %+v", all)
	}
}

func TestOperatorsMakeAccounts(t *testing.T) {
	t.Parallel()
	s, ctx := newServer(t), t.Context()
	var made client.NewAccount
	must(t, s.Do(ctx, "POST", "/kigo/accounts", map[string]any{"email": "bob@example.com", "name": "Bob", "password": "correct horse"}, &made))
	bob := s.as(made.Token)
	me, err := bob.Account(ctx)
	must(t, err)
	if me.Email != "bob@example.com" || *me.Name != "Bob" {
		t.Errorf("made %+v", me)
	}
	_, err = s.as("").Login(ctx, "bob@example.com", "correct horse", client.NewAuthorization{})
	must(t, err)
	wantError(t, s.Do(ctx, "POST", "/kigo/accounts", map[string]any{"email": "BOB@example.com"}, nil), 422, "invalid_params", "already")
	wantError(t, s.Do(ctx, "POST", "/kigo/accounts", map[string]any{"email": "bob"}, nil), 422, "invalid_params", "e-mail")
	wantError(t, s.Do(ctx, "POST", "/kigo/accounts", map[string]any{"email": "a@example.com", "password": "x"}, nil), 422, "invalid_params", "short")
	wantError(t, bob.Do(ctx, "POST", "/kigo/accounts", map[string]any{"email": "eve@example.com"}, nil), 403, "forbidden", "operator")
	wantError(t, bob.Do(ctx, "GET", "/kigo/accounts", nil, nil), 403, "forbidden", "operator")
	var all []client.Account
	must(t, s.Do(ctx, "GET", "/kigo/accounts", nil, &all))
	if len(all) != 2 {
		t.Errorf("accounts %+v", all)
	}
	_, err = bob.CreateApp(ctx, client.NewApp{Name: "bobs"})
	must(t, err)
	wantError(t, bob.Do(ctx, "GET", "/kigo/audit", nil, nil), 403, "forbidden", "operator")
	var audit client.Audit
	must(t, s.Do(ctx, "GET", "/kigo/audit", nil, &audit))
	if audit.Trouble != nil || audit.Events < 6 {
		t.Errorf("audit %+v", audit)
	}
	must(t, s.store.View(ctx, func(tx *store.Tx) error {
		events, err := tx.EventsAfter(0, 100)
		for _, e := range events {
			if e.Kind == "app.create" && (e.Actor != "bob@example.com" || !strings.HasPrefix(e.Origin, "127.0.0.1 ") || len(e.Origin) < 40) {
				t.Errorf("event %+v", e)
			}
		}
		return err
	}))
	wantError(t, bob.Do(ctx, "DELETE", "/account", nil, nil), 422, "invalid_params", "owns apps")
	wantError(t, s.Do(ctx, "DELETE", "/account", nil, nil), 422, "invalid_params", "runs this platform")
	eve := s.as(s.second("eve@example.com", "global"))
	must(t, eve.Do(ctx, "DELETE", "/users/~", nil, nil))
	ann := s.as(s.second("ann@example.com", "global"))
	must(t, ann.Do(ctx, "DELETE", "/account", nil, nil))
	_, err = eve.Account(ctx)
	wantError(t, err, 401, "unauthorized", "")
}

func TestKeysAreCheckedAndKept(t *testing.T) {
	t.Parallel()
	s, ctx := newServer(t), t.Context()
	public, _, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	key, err := ssh.NewPublicKey(public)
	must(t, err)
	line := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))
	var made client.Key
	must(t, s.Do(ctx, "POST", "/account/keys", map[string]any{"public_key": line + " dev@host\n"}, &made))
	if made.Comment != "dev@host" || made.PublicKey != line+" dev@host" || len(made.Fingerprint) != 47 || made.Email != operator {
		t.Errorf("made %+v", made)
	}
	var all []client.Key
	must(t, s.Do(ctx, "GET", "/account/keys", nil, &all))
	if !slices.Equal(all, []client.Key{made}) {
		t.Errorf("keys %+v", all)
	}
	must(t, s.Do(ctx, "GET", "/account/keys/"+made.Fingerprint, nil, &made))
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	must(t, err)
	weakKey, err := ssh.NewPublicKey(&weak.PublicKey)
	must(t, err)
	for bad, text := range map[string]string{
		"": "required", "nonsense": "one line", line + " x\n" + line: "one line", "command=\"x\" " + line: "one line", strings.Repeat("x", 20000): "too long",
		"-----BEGIN OPENSSH PRIVATE KEY-----": "private key", string(ssh.MarshalAuthorizedKey(weakKey)): "2048",
	} {
		wantError(t, s.Do(ctx, "POST", "/account/keys", map[string]any{"public_key": bad}, nil), 422, "invalid_params", text)
	}
	bob := s.as(s.second("bob@example.com", "global"))
	wantError(t, bob.Do(ctx, "POST", "/account/keys", map[string]any{"public_key": line}, nil), 422, "invalid_params", "already exists")
	wantError(t, bob.Do(ctx, "GET", "/account/keys/"+made.ID, nil, nil), 404, "not_found", "key")
	wantError(t, bob.Do(ctx, "DELETE", "/account/keys/"+made.ID, nil, nil), 404, "not_found", "key")
	must(t, s.Do(ctx, "DELETE", "/account/keys/"+made.ID, nil, nil))
	wantError(t, s.Do(ctx, "DELETE", "/account/keys/"+made.ID, nil, nil), 404, "not_found", "key")
}

func TestOAuthClientsAreMadeAndRotated(t *testing.T) {
	t.Parallel()
	s, ctx := newServer(t), t.Context()
	var made, now client.OAuthClient
	must(t, s.Do(ctx, "POST", "/oauth/clients", map[string]any{"name": "n", "redirect_uri": "https://x.com/cb"}, &made))
	must(t, s.Do(ctx, "GET", "/oauth/clients/"+made.ID, nil, &now))
	if now != made || len(made.Secret) < 20 {
		t.Errorf("made %+v, then %+v", made, now)
	}
	must(t, s.Do(ctx, "PATCH", "/oauth/clients/"+made.ID, map[string]any{"name": "y"}, &now))
	if now.Name != "y" || now.RedirectURI != made.RedirectURI || now.Secret != made.Secret {
		t.Errorf("updated %+v", now)
	}
	must(t, s.Do(ctx, "POST", "/oauth/clients/"+made.ID+"/actions/rotate-credentials", nil, &now))
	if now.Secret == made.Secret {
		t.Error("the secret was not rotated")
	}
	for _, bad := range []map[string]any{{}, {"name": "n"}, {"name": "", "redirect_uri": "https://x"}, {"name": "n", "redirect_uri": "http://x.com"}, {"name": "n", "redirect_uri": "x"},
		{"name": "n", "redirect_uri": "https://x/#f"}, {"name": "n", "redirect_uri": "javascript:alert(1)"}} {
		wantError(t, s.Do(ctx, "POST", "/oauth/clients", bad, nil), 422, "invalid_params", "")
	}
	bob := s.as(s.second("bob@example.com", "global"))
	for _, r := range [][2]string{{"GET", ""}, {"PATCH", ""}, {"DELETE", ""}, {"POST", "/actions/rotate-credentials"}} {
		wantError(t, bob.Do(ctx, r[0], "/oauth/clients/"+made.ID+r[1], map[string]any{"name": "z"}, nil), 404, "not_found", "OAuth client")
	}
	var all []client.OAuthClient
	must(t, s.Do(ctx, "GET", "/oauth/clients", nil, &all))
	must(t, s.Do(ctx, "DELETE", "/oauth/clients/"+made.ID, nil, nil))
	if len(all) != 1 {
		t.Errorf("clients %+v", all)
	}
}

// Who is taken away loses at once what is open.
func TestALogStreamEndsWithTheRightToIt(t *testing.T) {
	t.Parallel()
	s, ctx := newServer(t), t.Context()
	s.app("myapp")
	bob := s.as(s.second("bob@example.com", "global"))
	must(t, s.Do(ctx, "POST", "/apps/myapp/collaborators", map[string]any{"user": "bob@example.com"}, nil))
	var session client.LogSession
	must(t, bob.Do(ctx, "POST", "/apps/myapp/log-sessions", map[string]any{"tail": true}, &session))
	open := func() *http.Response {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, session.LogplexURL, nil)
		must(t, err)
		resp, err := http.DefaultClient.Do(r)
		must(t, err)
		t.Cleanup(func() { resp.Body.Close() })
		return resp
	}
	stream := open()
	if stream.StatusCode != http.StatusOK {
		t.Fatalf("opened: %d", stream.StatusCode)
	}
	must(t, s.Do(ctx, "DELETE", "/apps/myapp/collaborators/bob@example.com", nil, nil))
	_, err := io.Copy(io.Discard, stream.Body) // ends, or the test's own deadline does
	must(t, err)
	if again := open(); again.StatusCode != http.StatusNotFound {
		t.Errorf("opened again: %d", again.StatusCode)
	}
}
