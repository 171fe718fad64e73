package api_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/client"
)

func TestEgressRulesAreMadeReplacedAndRemoved(t *testing.T) {
	t.Parallel()
	s, ctx := newServer(t), t.Context()
	app := s.app("myapp")
	made, err := s.SetEgressRule(ctx, "myapp", "allow", "10.1.2.3:5432")
	must(t, err)
	if made.Action != "allow" || made.Target != "10.1.2.3/32" || made.Port != 5432 || !made.Private || made.ID == "" || made.CreatedAt.IsZero() {
		t.Errorf("made %+v", made)
	}
	must(t, s.Do(ctx, "POST", "/apps/myapp/egress-rules", map[string]any{"action": "deny", "target": "203.0.113.0/24", "port": 443}, nil))
	_, err = s.SetEgressRule(ctx, "myapp", "deny", "10.1.2.3:5432")
	must(t, err)
	all, err := s.EgressRules(ctx, "myapp")
	must(t, err)
	var got []string
	for _, r := range all {
		got = append(got, r.Action+" "+r.Target)
	}
	if diff := cmp.Diff([]string{"deny 10.1.2.3/32", "deny 203.0.113.0/24"}, got); diff != "" {
		t.Error(diff)
	}
	for target, why := range map[string]string{
		"db.example.com": "neither", "fd00::1": "IPv6", "10.1.2.3:99999": "port", "169.254.169.254": "metadata", "127.0.0.1:5432": "no rule can open", "": "neither",
	} {
		_, err := s.SetEgressRule(ctx, "myapp", "allow", target)
		wantError(t, err, 422, "invalid_params", why)
	}
	_, err = s.SetEgressRule(ctx, "myapp", "open", "10.1.2.3")
	wantError(t, err, 422, "invalid_params", "allow or deny")
	_, err = s.RemoveEgressRule(ctx, "myapp", "10.1.2.3:5432")
	must(t, err)
	_, err = s.RemoveEgressRule(ctx, "myapp", "10.1.2.3:5432")
	wantError(t, err, 404, "not_found", "")
	lines := s.logLines(kigo.AppID(app.ID))
	for _, want := range []string{"Allow egress to 10.1.2.3:5432 by user", "Deny egress to 203.0.113.0/24:443 by user", "Remove egress rule for 10.1.2.3:5432 by user"} {
		if !strings.Contains(strings.Join(lines, "\n"), want) {
			t.Errorf("no line %q in %q", want, lines)
		}
	}
}

func TestOnlyAnOperatorOpensPrivateRanges(t *testing.T) {
	t.Parallel()
	s, ctx := newServer(t), t.Context()
	var made client.NewAccount
	must(t, s.Do(ctx, "POST", "/kigo/accounts", map[string]any{"email": "bob@example.com"}, &made))
	bob := s.as(made.Token)
	_, err := bob.CreateApp(ctx, client.NewApp{Name: "bobs"})
	must(t, err)
	_, err = bob.SetEgressRule(ctx, "bobs", "allow", "10.1.2.3:5432")
	wantError(t, err, 403, "forbidden", "ask an operator")
	_, err = bob.SetEgressRule(ctx, "bobs", "allow", "8.0.0.0/5") // 10/8 is in it
	wantError(t, err, 403, "forbidden", "ask an operator")
	for _, rule := range [][2]string{{"deny", "0.0.0.0/0"}, {"deny", "10.1.2.3:5432"}, {"allow", "203.0.113.7:443"}} {
		_, err := bob.SetEgressRule(ctx, "bobs", rule[0], rule[1])
		must(t, err)
	}
	must(t, bob.Do(ctx, "POST", "/apps/bobs/collaborators", map[string]any{"user": s.account.Email}, nil))
	_, err = s.SetEgressRule(ctx, "bobs", "allow", "10.9.9.9")
	must(t, err)
	_, err = bob.SetEgressRule(ctx, "bobs", "deny", "10.9.9.9")
	wantError(t, err, 409, "conflict", "somebody else keeps")
	_, err = bob.RemoveEgressRule(ctx, "bobs", "10.9.9.9") // less for oneself is always possible
	must(t, err)
}

func TestARuleOfAnAddOnGoesWithIt(t *testing.T) {
	t.Parallel()
	s, ctx := newServer(t), t.Context()
	app := s.app("myapp")
	target, port, err := kigo.ParseEgressTarget("10.7.7.7:6379")
	must(t, err)
	_, err = s.control.SetEgressRule(ctx, s.actor, kigo.EgressRule{App: kigo.AppID(app.ID), Allow: true, Target: target, Port: port, Origin: "addon:redis-round-1"})
	must(t, err)
	_, err = s.RemoveEgressRule(ctx, "myapp", "10.7.7.7:6379")
	wantError(t, err, 409, "conflict", "belongs to addon:redis-round-1")
	_, err = s.SetEgressRule(ctx, "myapp", "deny", "10.7.7.7:6379")
	wantError(t, err, 409, "conflict", "addon:redis-round-1")
}

func TestIsolationIsRefusedWhereThereIsNoRuntimeForIt(t *testing.T) {
	t.Parallel()
	s, ctx := newServer(t), t.Context()
	s.app("myapp")
	i, err := s.Isolation(ctx, "myapp")
	must(t, err)
	if i.Class != "standard" {
		t.Errorf("isolation %+v", i)
	}
	wantError(t, s.SetIsolation(ctx, "myapp", "hardened"), 422, "invalid_params", "--runsc PATH")
	wantError(t, s.SetIsolation(ctx, "myapp", "firecracker"), 422, "invalid_params", "No such isolation")
	must(t, s.SetIsolation(ctx, "myapp", "standard"))
	s.control.Hardened = true
	must(t, s.SetIsolation(ctx, "myapp", "hardened"))
	i, err = s.Isolation(ctx, "myapp")
	must(t, err)
	if i.Class != "hardened" {
		t.Errorf("isolation %+v", i)
	}
}

func TestAppsOfATeamAreIsolatedAsItSays(t *testing.T) {
	t.Parallel()
	s, ctx := newServer(t), t.Context()
	s.control.Hardened = true
	must(t, s.Do(ctx, "POST", "/teams", map[string]any{"name": "myteam"}, nil))
	must(t, s.Do(ctx, "POST", "/teams/apps", map[string]any{"name": "ours", "team": "myteam"}, nil))
	s.app("mine")
	class := func(app string) string {
		i, err := s.Isolation(ctx, app)
		must(t, err)
		return i.Class
	}
	must(t, s.SetTeamIsolation(ctx, "myteam", "hardened"))
	if i, err := s.TeamIsolation(ctx, "myteam"); err != nil || i.Class != "hardened" {
		t.Errorf("the team's: %+v %v", i, err)
	}
	if class("ours") != "hardened" || class("mine") != "standard" {
		t.Errorf("the team's app is %s, another one %s", class("ours"), class("mine"))
	}
	must(t, s.SetIsolation(ctx, "ours", "standard"))
	if class("ours") != "standard" {
		t.Error("an app's own word does not count")
	}
	wantError(t, s.SetTeamIsolation(ctx, "myteam", "firecracker"), 422, "invalid_params", "No such isolation")
	bob := s.as(s.second("bob@example.com", "global"))
	wantError(t, bob.SetTeamIsolation(ctx, "myteam", "standard"), 404, "not_found", "team")
	s.control.Hardened = false
	wantError(t, s.SetTeamIsolation(ctx, "myteam", "hardened"), 422, "invalid_params", "--runsc")
}
