package formation

import (
	"strings"
	"time"

	"github.com/kigo-dev/kigo"
)

// grave are reasons that need no second try: waiting for them took long enough, or
// nothing will change.
var grave = []string{"Boot timeout", "Memory quota", "Readiness check", "Checksum error"}

// Verdict says why a release must not replace another, and which is current again
// instead: the one that still serves, or the one to fall back to while the release is on
// probation. Reason is empty while the release may yet come up, when it is proven and nothing
// else serves, or when there is no other: then it keeps trying, as on Heroku. It is pure.
func Verdict(release kigo.Release, fallback kigo.ReleaseID, dynos []kigo.Dyno) (reason string, instead kigo.ReleaseID) {
	newest, hopeless := 0, ""
	for _, d := range dynos {
		switch {
		case d.Type != Gated || d.OneOff || d.Stop:
		case d.Version != release.Version:
			if serves(d) && d.Version > newest {
				newest, instead = d.Version, d.Release
			}
		case serves(d):
			return "", ""
		case d.Crashes == 0:
			return "", "" // its first boot is not over
		case hopeless == "" && (d.Crashes > 1 || isGrave(d.Reason)):
			hopeless = d.Name() + ": " + d.Reason
		}
	}
	if instead == "" && release.ProvenAt.IsZero() {
		instead = fallback
	}
	if instead == "" || hopeless == "" {
		return "", ""
	}
	return hopeless, instead
}

// Proven reports whether a release's web dynos have served for as long as the
// probation lasts, or when to look again; 0: not as it stands. It is pure.
func Proven(now time.Time, probation time.Duration, release kigo.Release, dynos []kigo.Dyno) (proven bool, after time.Duration) {
	for _, d := range dynos {
		if d.Type != Gated || d.OneOff || d.Stop || d.Version != release.Version || !serves(d) {
			continue
		}
		left := probation - now.Sub(d.UpdatedAt)
		if left <= 0 {
			return true, 0
		}
		if after == 0 || left < after {
			after = left
		}
	}
	return false, after
}

func isGrave(reason string) bool {
	for _, g := range grave {
		if strings.HasPrefix(reason, g) {
			return true
		}
	}
	return false
}
