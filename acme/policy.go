package acme

import (
	"crypto/x509"
	"time"

	"github.com/kigo-dev/kigo"
)

// pauses are the waits after the first failure, the second and so on. Let's Encrypt
// allows five failed validations of a host an hour.
var pauses = []time.Duration{
	time.Minute, 10 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 4 * time.Hour, 8 * time.Hour, 12 * time.Hour, 24 * time.Hour,
}

// next decides what is due for a domain: nothing for a while, or, when the wait is
// 0, a certificate. leaf is the one that it is served with; nil: none.
func next(now time.Time, a kigo.AutomaticCertificate, leaf *x509.Certificate) (time.Duration, kigo.AutomaticCertificate) {
	if a.Status == kigo.ACMFailed && leaf == nil {
		return resync, a
	}
	if wait := a.Next.Sub(now); wait > 0 {
		return wait, a
	}
	if leaf != nil {
		if wait := renewal(leaf).Sub(now); wait > 0 {
			return wait, kigo.AutomaticCertificate{Status: kigo.ACMIssued}
		}
	}
	return 0, a
}

// after is the state that a failure leads to. A domain without a certificate is
// given up when every pause has been waited for.
func after(now time.Time, a kigo.AutomaticCertificate, leaf *x509.Certificate, why string) kigo.AutomaticCertificate {
	pause := pauses[min(a.Tries, len(pauses)-1)]
	a.Tries++
	a.Status, a.Reason, a.Next = kigo.ACMFailing, why, now.Add(pause).UTC().Truncate(time.Microsecond)
	if a.Tries > len(pauses) && (leaf == nil || now.After(leaf.NotAfter)) {
		a.Status, a.Next = kigo.ACMFailed, time.Time{}
	}
	return a
}

// renewal is when a third of a certificate's life is left.
func renewal(leaf *x509.Certificate) time.Time {
	return leaf.NotAfter.Add(-leaf.NotAfter.Sub(leaf.NotBefore) / 3)
}
