package api

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"embed"
	"encoding/hex"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/control"
)

// The pages on which people log in: for the command line (`heroku login`), and for OAuth
// clients. They keep no cookie: each form takes address, password and second factor, and
// does one thing. So no other site can have a browser do it, and none may frame them.

//go:embed pages/*.html
var pageFiles embed.FS

var pages = template.Must(template.ParseFS(pageFiles, "pages/*.html"))

// loginForm is what the page shows.
type loginForm struct {
	Title, Text, Error, Email string
	Done                      bool
	Hidden                    map[string]string
}

// sameSite refuses a form that another site's page has sent.
var sameSite = http.NewCrossOriginProtection()

func (c *call) html(status int, f loginForm) (reply, error) {
	h := c.w.Header()
	for _, name := range []string{"Access-Control-Allow-Origin", "Access-Control-Allow-Methods", "Access-Control-Allow-Headers"} {
		h.Del(name)
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	c.w.WriteHeader(status)
	return reply{}, pages.ExecuteTemplate(c.w, "login.html", f)
}

// formLogin reads the form and finds who it is.
func (c *call) formLogin() error {
	if err := sameSite.Check(c.r); err != nil {
		return &kigo.Error{ID: kigo.IDForbidden, Message: "This form was sent by the page of another site."}
	}
	c.r.Body = http.MaxBytesReader(c.w, c.r.Body, 64<<10)
	if err := c.r.ParseForm(); err != nil {
		return newError(kigo.IDBadRequest, "The form cannot be read.")
	}
	return c.login(c.r.PostForm.Get("email"), c.r.PostForm.Get("password"), c.r.PostForm.Get("code"))
}

// again shows the form once more, with what was wrong.
func (c *call) again(f loginForm, err error) (reply, error) {
	e, user := kigo.AsError(err)
	if !user {
		return reply{}, err
	}
	f.Error, f.Email = e.Message, c.r.PostForm.Get("email")
	if e.ID == kigo.IDTwoFactor {
		f.Error = "The code of your second factor, or a recovery code, is needed as well."
	}
	return c.html(statuses[e.ID], f)
}

// cliLogin is a command line that waits for a browser. It lives in memory: who waits while
// the server is replaced logs in anew.
type cliLogin struct {
	id, description, from string
	secret                [32]byte // hash of the token that the command line holds
	until                 time.Time
	answer                chan control.Actor // who has logged in; closed by nobody
}

// cliLogins holds those that wait.
type cliLogins struct {
	mu  sync.Mutex
	all map[string]*cliLogin
}

// Limits of browser logins.
const (
	cliLoginLife = 10 * time.Minute
	maxCLILogins = 1000
	cliPoll      = 50 * time.Second // the command line's own limit is a minute
	cliTokenLife = 30 * 24 * time.Hour
)

func (l *cliLogins) add(one *cliLogin, now time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all == nil {
		l.all = map[string]*cliLogin{}
	}
	for id, other := range l.all {
		if now.After(other.until) {
			delete(l.all, id)
		}
	}
	if len(l.all) >= maxCLILogins {
		return newError(kigo.IDRateLimit, "Too many logins are waiting: try again in a few minutes, or use `heroku login -i`.")
	}
	l.all[one.id] = one
	return nil
}

func (l *cliLogins) find(id string, now time.Time) (*cliLogin, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	one := l.all[id]
	if one == nil || now.After(one.until) {
		return nil, newError(kigo.IDNotFound, "This login has ended or was used: start `heroku login` again.")
	}
	return one, nil
}

func (l *cliLogins) remove(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.all, id)
}

func randomHex() string {
	b := make([]byte, 16)
	rand.Read(b)
	return hex.EncodeToString(b)
}

// cliLoginCreate begins `heroku login`.
func cliLoginCreate(c *call) (reply, error) {
	if _, err := c.guess(); err != nil { // those that end well give it back
		return reply{}, err
	}
	var in struct {
		Description *string `json:"description"`
	}
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	description := value(in.Description)
	description = plain(description[:min(len(description), 200)])
	token := randomHex()
	one := &cliLogin{
		id: randomHex(), description: cmp.Or(description, "Command line"), from: network(c.r), secret: sha256.Sum256([]byte(token)),
		until: c.s.Now().Add(cliLoginLife), answer: make(chan control.Actor, 1),
	}
	if err := c.s.cliLogins.add(one, c.s.Now()); err != nil {
		return reply{}, err
	}
	return ok(map[string]string{"browser_url": "/auth/browser/" + one.id, "cli_url": "/auth/cli/" + one.id, "token": token}), nil
}

// plain is what a stranger calls itself without what is no letter.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
}

// cliLoginWait gives the waiting command line its token, once. It is made now: nobody has
// a token that nobody waited for.
func cliLoginWait(c *call) (reply, error) {
	token, err := credentials(c.r)
	if err != nil {
		return reply{}, err
	}
	one, err := c.s.cliLogins.find(c.param("login"), c.s.Now())
	if err != nil {
		return reply{}, err
	}
	if sum := sha256.Sum256([]byte(token)); subtle.ConstantTimeCompare(sum[:], one.secret[:]) != 1 {
		return reply{}, newError(kigo.IDUnauthorized, badCredentials)
	}
	select {
	case who := <-one.answer:
		c.s.cliLogins.remove(one.id)
		c.s.logins.take("net "+one.from, -1)
		_, made, err := ctrl(c).CreateAuthorization(c.ctx(), who, control.NewAuthorization{Description: one.description, ExpiresIn: cliTokenLife, Session: true})
		return ok(map[string]string{"access_token": made}), err
	case <-c.ctx().Done():
		return reply{}, c.ctx().Err()
	case <-time.After(cliPoll):
		return reply{}, newError(kigo.IDUnavailable, "Nobody has logged in yet: ask again.")
	}
}

func (c *call) cliForm(one *cliLogin) loginForm {
	return loginForm{
		Title: "Log in to the command line",
		Text:  "A command line at " + one.from + " (" + one.description + ") asks for your account. Go on only if you have just started it yourself.",
	}
}

func cliLoginPage(c *call) (reply, error) {
	one, err := c.s.cliLogins.find(c.param("login"), c.s.Now())
	if err != nil {
		return c.html(http.StatusNotFound, loginForm{Title: "This login has ended", Text: err.Error(), Done: true})
	}
	return c.html(http.StatusOK, c.cliForm(one))
}

func cliLoginAnswer(c *call) (reply, error) {
	one, err := c.s.cliLogins.find(c.param("login"), c.s.Now())
	if err != nil {
		return c.html(http.StatusNotFound, loginForm{Title: "This login has ended", Text: err.Error(), Done: true})
	}
	if err := c.formLogin(); err != nil {
		return c.again(c.cliForm(one), err)
	}
	select {
	case one.answer <- c.actor:
	default:
		return c.html(http.StatusConflict, loginForm{Title: "This login was used already", Text: "If it was you, go back to the command line. Otherwise start `heroku login` again.", Done: true})
	}
	return c.html(http.StatusOK, loginForm{Title: "Logged in", Text: "You can close this page and go back to the command line.", Done: true})
}

// authorizeRequest is what an OAuth client asks for in the address of the page.
func (c *call) authorizeRequest(q url.Values) (o kigo.OAuthClient, f loginForm, err error) {
	if o, err = ctrl(c).FindOAuthClient(c.ctx(), q.Get("client_id")); err != nil {
		return o, f, err
	}
	if err := control.CheckRedirect(o, q.Get("redirect_uri")); err != nil {
		return o, f, err
	}
	if q.Get("response_type") != "code" {
		return o, f, kigo.Invalid("response_type must be code.")
	}
	if q.Get("code_challenge") != "" && q.Get("code_challenge_method") != "S256" {
		return o, f, kigo.Invalid("code_challenge_method must be S256.")
	}
	f = loginForm{Title: "Let " + o.Name + " use your account", Hidden: map[string]string{}}
	f.Text = o.Name + " at " + hostOf(o.RedirectURI) + " asks for: " + scopeWords(q.Get("scope")) + "."
	for _, name := range []string{"client_id", "redirect_uri", "response_type", "scope", "state", "code_challenge", "code_challenge_method"} {
		f.Hidden[name] = q.Get(name)
	}
	return o, f, nil
}

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Host
}

func authorizePage(c *call) (reply, error) {
	_, f, err := c.authorizeRequest(c.r.URL.Query())
	if err != nil {
		return c.refusePage(err)
	}
	return c.html(http.StatusOK, f)
}

func (c *call) refusePage(err error) (reply, error) {
	e, user := kigo.AsError(err)
	if !user {
		return reply{}, err
	}
	return c.html(statuses[e.ID], loginForm{Title: "This cannot be done", Text: e.Message, Done: true})
}

// authorizeAnswer sends the browser back to the client's own address with a code.
func authorizeAnswer(c *call) (reply, error) {
	login := c.formLogin()
	if c.r.PostForm == nil {
		return c.refusePage(login)
	}
	q := c.r.PostForm
	o, f, err := c.authorizeRequest(q)
	if err != nil {
		return c.refusePage(err)
	}
	if login != nil {
		return c.again(f, login)
	}
	_, _, code, err := ctrl(c).Grant(c.ctx(), c.actor, control.NewGrant{
		Client: o.ID, Description: o.Name, Scope: scopes(q.Get("scope")), Challenge: q.Get("code_challenge"),
	})
	if err != nil {
		return c.again(f, err)
	}
	to, err := url.Parse(o.RedirectURI)
	if err != nil {
		return reply{}, err
	}
	back := to.Query()
	back.Set("code", code)
	if q.Get("state") != "" {
		back.Set("state", q.Get("state"))
	}
	to.RawQuery = back.Encode()
	c.w.Header().Set("Cache-Control", "no-store")
	c.w.Header().Set("Referrer-Policy", "no-referrer")
	http.Redirect(c.w, c.r, to.String(), http.StatusSeeOther)
	return reply{}, nil
}
