package api

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"runtime/debug"
	"strconv"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/control"
)

// serve returns the steps of every request to rt, in order.
func (s *Server) serve(rt route) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c := &call{s: s, w: w, r: r, route: rt}
		c.id = requestID(w, r)
		defer func() { c.failPanic(recover()) }()
		rep, err := c.run()
		if err == nil && rep.status != 0 && !c.reads() && s.Settle != nil {
			_ = s.Settle(c.ctx()) // who asks the app next finds what was changed; a router that is away holds nobody up
		}
		switch {
		case err != nil:
			c.fail(err)
		case rep.status != 0: // a stream has written its own
			if err := c.write(rep); err != nil {
				c.fail(err)
			}
		}
	}
}

// run takes the steps up to the handler's answer.
func (c *call) run() (reply, error) {
	if c.route.access == open {
		return c.route.handle(c)
	}
	for _, step := range []func() error{c.checkAccept, c.authenticate, c.spend, c.checkScope, c.loadOwner, c.checkPrecondition} {
		if err := step(); err != nil {
			return reply{}, err
		}
	}
	return c.once()
}

func (c *call) checkAccept() error { return acceptable(c.r.Header.Get("Accept")) }

// authenticate finds who asks.
func (c *call) authenticate() error {
	if a, ours := c.ctx().Value(insider{}).(control.Actor); ours {
		c.actor, c.auth.Scope = a, []string{"global"}
		return nil
	}
	token, err := credentials(c.r)
	if err != nil {
		return err
	}
	c.actor, c.auth, err = c.s.Control.Authenticate(c.ctx(), token)
	c.actor.From = c.origin()
	c.token = token
	return err
}

// origin is where a request comes from, for the audit trail.
func (c *call) origin() string {
	host, _, err := net.SplitHostPort(c.r.RemoteAddr)
	if err != nil {
		host = c.r.RemoteAddr
	}
	return host + " " + c.id
}

// spend takes one request of the account's allowance and tells what is left.
func (c *call) spend() error {
	cost := 1.0
	if c.route.free || c.ctx().Value(insider{}) != nil {
		cost = 0
	}
	left, allowed := c.s.rate.take(string(c.actor.ID), cost)
	c.left = left
	c.w.Header().Set("RateLimit-Remaining", strconv.Itoa(left))
	if !allowed {
		c.w.Header().Set("Retry-After", "60")
		return newError(kigo.IDRateLimit, fmt.Sprintf("Your account reached the API rate limit. %d requests are added each minute: please wait a minute before making new requests.", ratePerMinute))
	}
	return nil
}

func (c *call) checkScope() error { return c.route.access.check(c.auth.Scope) }

// loadOwner finds the app, the team or the enterprise account that the path is below, by
// name or id, and checks what the actor may do with it. One that the actor may not see is
// not found.
func (c *call) loadOwner() (err error) {
	switch what := c.route.below(); what {
	case "app":
		return c.findApp(c.param(what))
	case "team":
		c.team, err = ctrl(c).Team(c.ctx(), c.actor, c.route.permission(), c.param(what))
	case "enterprise":
		c.enterprise, c.enterpriseRights, err = ctrl(c).Enterprise(c.ctx(), c.actor, c.route.permission(), c.param(what))
	}
	return err
}

// checkPrecondition compares If-Match with what a GET of the same path would
// answer now, 412 when they differ, and has the change compare it again inside its own
// transaction.
func (c *call) checkPrecondition() error {
	want := c.r.Header.Get("If-Match")
	if want == "" {
		return nil
	}
	get, found := c.s.routeFor(http.MethodGet, c.route.pattern)
	if !found {
		return nil
	}
	peek := *c
	peek.r, peek.route = withMethod(c.r, http.MethodGet), get
	check := func() error {
		now := peek
		if err := now.loadOwner(); err != nil { // as it is now
			return err
		}
		rep, err := get.handle(&now)
		if err != nil {
			return err
		}
		if c.sdk() {
			if rep.body, err = enrich(rep.body); err != nil {
				return err
			}
		}
		data, err := encode(rep.body)
		if err != nil {
			return err
		}
		if !matches(want, etag(data)) {
			return newError(kigo.IDPreconditionFailed, "The resource is no longer the one that the If-Match header names: read it again.")
		}
		return nil
	}
	if err := check(); err != nil || c.reads() {
		return err
	}
	c.r = c.r.WithContext(control.WithPrecondition(c.ctx(), check))
	return nil
}

// failPanic answers a panic with 500 and logs where it was.
func (c *call) failPanic(p any) {
	switch p {
	case nil:
	case http.ErrAbortHandler:
		panic(p)
	default:
		c.fail(errors.New(fmt.Sprint("panic: ", p, "\n", string(debug.Stack()))))
	}
}
