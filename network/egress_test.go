package network

import (
	"context"
	"os"
	"sync"
	"testing"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/internal/testenv"
)

func TestAnAppReachesWhatItsRulesSay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if err := w.network.Own(t.Context(), w.first, "ruled"); err != nil {
		t.Fatal(err)
	}
	if err := w.network.Own(t.Context(), w.second, "other"); err != nil {
		t.Fatal(err)
	}
	_ = testenv.Listen(t, w.two, w.second.String()+":5000")
	for _, c := range []struct {
		name                 string
		rules                []kigo.EgressRule
		public, mail, hidden bool // the public address' ports 80 and 25, the private network's port 80
	}{
		{"none", nil, true, false, false},
		{"a private address", []kigo.EgressRule{granted(w.hidden)}, true, false, true},
		{"its port", []kigo.EgressRule{granted(w.hidden + ":80")}, true, false, true},
		{"another port", []kigo.EgressRule{granted(w.hidden + ":81")}, true, false, false},
		{"a private address, but not by an operator", []kigo.EgressRule{rule(true, w.hidden)}, true, false, false},
		{"nothing at all", []kigo.EgressRule{rule(false, "0.0.0.0/0")}, false, false, false},
		{"one service alone", []kigo.EgressRule{rule(false, "0.0.0.0/0"), rule(true, w.public+":80")}, true, false, false},
		{"one private service alone", []kigo.EgressRule{rule(false, "0.0.0.0/0"), granted(w.hidden + ":80")}, false, false, true},
		{"mail by its own people", []kigo.EgressRule{rule(true, w.public+":25")}, true, false, false},
		{"mail by an operator", []kigo.EgressRule{granted(w.public + ":25")}, true, true, false},
		{"a network that dynos are in", []kigo.EgressRule{granted("10.0.0.0/8")}, true, false, false},
	} {
		w.network.SetEgress(map[kigo.AppID][]kigo.EgressRule{"ruled": c.rules})
		if err := w.network.Ensure(t.Context()); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		expect := func(who string, from *os.File, address string, open bool) {
			wg.Go(func() {
				if err := w.dialFor(limit(open), from, nil, address); (err == nil) != open {
					t.Errorf("rules: %s: %s to %s: %v, want open %v", c.name, who, address, err, open)
				}
			})
		}
		expect("it", w.one, w.public+":80", c.public)
		expect("it", w.one, w.public+":25", c.mail)
		expect("it", w.one, w.hidden+":80", c.hidden)
		expect("it", w.one, w.second.String()+":5000", false)
		expect("it", w.one, "169.254.169.254:80", false)
		expect("another app", w.two, w.hidden+":80", false)
		expect("another app", w.two, w.public+":80", true)
		wg.Wait()
	}
}

func TestAnAppsRulesAreLoadedAgainAndEndWithItsDynos(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.network.SetEgress(map[kigo.AppID][]kigo.EgressRule{"ruled": {granted(w.hidden)}})
	if err := w.network.Own(t.Context(), w.first, "ruled"); err != nil {
		t.Fatal(err)
	}
	loaded := w.network.listRules(context.Background())
	for _, change := range []string{"flush map inet " + w.network.table() + " apps", "flush chain inet " + w.network.table() + " " + chain("ruled")} {
		if err := nft(context.Background(), change+"\n", "-f", "-"); err != nil {
			t.Fatal(err)
		}
		if err := w.dial(w.one, nil, w.hidden+":80"); err == nil {
			t.Errorf("after %q the private network is open", change)
		}
		if err := w.network.Ensure(context.Background()); err != nil {
			t.Fatal(err)
		}
		if got := w.network.listRules(context.Background()); got != loaded {
			t.Errorf("after %q:\n%s", change, got)
		}
	}
	if err := w.reach(w.one, w.hidden+":80"); err != nil {
		t.Errorf("after healing: %v", err)
	}
	w.network.Free(w.first) // and the next one with this address is of another app
	w.network.Claim(w.first)
	if err := w.network.Own(t.Context(), w.first, "other"); err != nil {
		t.Fatal(err)
	}
	if err := w.dial(w.one, nil, w.hidden+":80"); err == nil {
		t.Error("an address took its rules along to another app")
	}
}
