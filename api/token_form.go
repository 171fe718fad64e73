package api

import (
	"net/http"
	"slices"
	"strings"

	"github.com/kigo-dev/kigo"
)

// scopes reads the scope of OAuth's own forms: words with spaces or commas between.
func scopes(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' })
}

func scopeWords(text string) string {
	all := scopes(text)
	if len(all) == 0 || slices.Contains(all, "global") {
		return "everything that you may do yourself"
	}
	return strings.Join(all, ", ")
}

// tokenForm is the token endpoint as OAuth libraries know it (RFC 6749): a form in, and
// JSON in OAuth's own words out.
func tokenForm(c *call) (reply, error) {
	c.r.Body = http.MaxBytesReader(c.w, c.r.Body, 64<<10)
	if err := c.r.ParseForm(); err != nil {
		return reply{}, newError(kigo.IDBadRequest, "The form cannot be read.")
	}
	q := c.r.PostForm
	secret := q.Get("client_secret")
	if _, password, basic := c.r.BasicAuth(); basic && secret == "" {
		secret = password
	}
	t, err := c.exchange(secret, q.Get("grant_type"), q.Get("code"), q.Get("refresh_token"), q.Get("code_verifier"))
	if err != nil {
		return reply{}, err
	}
	shown := c.serializeToken(t, q.Get("grant_type"))
	rep := ok(map[string]any{
		"access_token": t.Token, "token_type": "Bearer", "expires_in": shown.AccessToken.ExpiresIn, "refresh_token": t.Refresh,
		"scope": strings.Join(t.Scope, " "), "user_id": string(t.Account), "session_nonce": shown.Session.ID,
	})
	rep.header = http.Header{"Cache-Control": {"no-store"}}
	return rep, nil
}
