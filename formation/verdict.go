package formation

import (
	"strings"

	"github.com/kigo-dev/kigo"
)

// grave are reasons that need no second try: waiting for them took long enough, or
// nothing will change.
var grave = []string{"Boot timeout", "Memory quota", "Readiness check", "Checksum error"}

// Verdict says why a release must not replace the one that still serves, and which
// that is; reason is empty while the release may yet come up, or when nothing else
// serves: then it keeps trying, as on Heroku. It is pure.
func Verdict(version int, dynos []kigo.Dyno) (reason string, serving kigo.ReleaseID) {
	newest, hopeless := 0, ""
	for _, d := range dynos {
		switch {
		case d.Type != Gated || d.OneOff || d.Stop:
		case d.Version != version:
			if serves(d) && d.Version > newest {
				newest, serving = d.Version, d.Release
			}
		case serves(d):
			return "", ""
		case d.Crashes == 0:
			return "", "" // its first boot is not over
		case hopeless == "" && (d.Crashes > 1 || isGrave(d.Reason)):
			hopeless = d.Name() + ": " + d.Reason
		}
	}
	if serving == "" || hopeless == "" {
		return "", ""
	}
	return hopeless, serving
}

func isGrave(reason string) bool {
	for _, g := range grave {
		if strings.HasPrefix(reason, g) {
			return true
		}
	}
	return false
}
