package acme

import (
	"crypto/x509"
	"testing"
	"time"

	"github.com/kigo-dev/kigo"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// lasting is a certificate of 90 days of which some are gone.
func lasting(gone time.Duration) *x509.Certificate {
	from := noon.Add(-gone)
	return &x509.Certificate{NotBefore: from, NotAfter: from.Add(90 * 24 * time.Hour)}
}

func TestWhatIsDue(t *testing.T) {
	const day = 24 * time.Hour
	for _, tt := range []struct {
		name   string
		state  kigo.AutomaticCertificate
		leaf   *x509.Certificate
		wait   time.Duration
		status string
	}{
		{"a new domain at once", kigo.AutomaticCertificate{}, nil, 0, ""},
		{"one that was begun before a crash at once", kigo.AutomaticCertificate{Status: kigo.ACMInProgress}, nil, 0, kigo.ACMInProgress},
		{"a failure waits", kigo.AutomaticCertificate{Status: kigo.ACMFailing, Next: noon.Add(time.Minute)}, nil, time.Minute, kigo.ACMFailing},
		{"and then is tried again", kigo.AutomaticCertificate{Status: kigo.ACMFailing, Next: noon}, nil, 0, kigo.ACMFailing},
		{"what was given up stays so", kigo.AutomaticCertificate{Status: kigo.ACMFailed}, nil, resync, kigo.ACMFailed},
		{"a young certificate rests until a third is left", kigo.AutomaticCertificate{Status: kigo.ACMIssued}, lasting(10 * day), 50 * day, kigo.ACMIssued},
		{"an old one is renewed", kigo.AutomaticCertificate{Status: kigo.ACMIssued}, lasting(61 * day), 0, kigo.ACMIssued},
		{"an old one whose renewal failed waits", kigo.AutomaticCertificate{Status: kigo.ACMFailing, Next: noon.Add(time.Hour)}, lasting(61 * day), time.Hour, kigo.ACMFailing},
	} {
		wait, state := next(noon, tt.state, tt.leaf)
		if wait != tt.wait || state.Status != tt.status {
			t.Errorf("%s: wait %v as %q, want %v as %q", tt.name, wait, state.Status, tt.wait, tt.status)
		}
	}
}

func TestFailuresComeEverLaterAndEnd(t *testing.T) {
	state, now := kigo.AutomaticCertificate{}, noon
	for i, pause := range pauses {
		state = after(now, state, nil, "no")
		if state.Status != kigo.ACMFailing || state.Tries != i+1 || state.Next.Sub(now) != pause {
			t.Fatalf("failure %d: %+v, want the next try after %v", i+1, state, pause)
		}
		now = state.Next
	}
	if state = after(now, state, nil, "no"); state.Status != kigo.ACMFailed {
		t.Errorf("after all pauses: %+v, want it given up", state)
	}
	if state = after(noon, kigo.AutomaticCertificate{Tries: 50}, lasting(0), "no"); state.Status != kigo.ACMFailing || state.Next.IsZero() {
		t.Errorf("a renewal after 50 failures: %+v, want one more try", state)
	}
}
