package kigo

import (
	"strings"
	"testing"
)

func TestEgressTargetsAreReadAndWritten(t *testing.T) {
	for text, name := range map[string]string{
		"10.1.2.3": "10.1.2.3", "10.1.2.3/32:5432": "10.1.2.3:5432", "10.1.0.0/16": "10.1.0.0/16", "10.1.0.0/16:443": "10.1.0.0/16:443", "0.0.0.0/0": "0.0.0.0/0",
	} {
		target, port, err := ParseEgressTarget(text)
		if got := (EgressRule{Target: target, Port: port}).Name(); err != nil || got != name {
			t.Errorf("%s: %s, %v", text, got, err)
		}
	}
	for text, why := range map[string]string{
		"": "neither", "db.example.com:5432": "neither", "10.1.2.3:0": "port", "10.1.2.3:65536": "port", "10.1.2.3:": "port", "10.1.2.3:x": "port",
		"10.1.2.3/33": "neither", "10.1.2.3/16": "the range is 10.1.0.0/16", "::1": "IPv6", "fd00::/8": "IPv6", "10.1.2/24": "neither", "1;drop": "neither",
	} {
		if _, _, err := ParseEgressTarget(text); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%q: %v, want %q", text, err, why)
		}
	}
}

func TestWhatNoRuleCanOpen(t *testing.T) {
	for text, fine := range map[string]bool{
		"10.0.0.0/8": true, "192.168.1.1:5432": true, "203.0.113.0/24": true, "100.64.0.0/10": true,
		"169.254.169.254": false, "127.0.0.1:5000": false, "0.0.0.0/0": false, "160.0.0.0/4": false, "224.0.0.1": false,
	} {
		target, port, err := ParseEgressTarget(text)
		if err != nil {
			t.Fatal(err)
		}
		if err := (EgressRule{Allow: true, Target: target, Port: port}).Check(); (err == nil) != fine {
			t.Errorf("allow %s: %v", text, err)
		}
		if err := (EgressRule{Target: target, Port: port}).Check(); err != nil {
			t.Errorf("deny %s: %v", text, err)
		}
	}
}

func TestIsolationHasTwoClasses(t *testing.T) {
	for text, want := range map[string]Isolation{"standard": IsolationStandard, "Hardened": IsolationHardened, "gvisor": "", "": ""} {
		if got, err := ParseIsolation(text); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
}
