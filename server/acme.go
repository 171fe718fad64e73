package server

import (
	"crypto/x509"
	"fmt"
	"os"

	"github.com/kigo-dev/kigo/acme"
)

// makeACME builds the loop that gets certificates for custom domains.
func (n *node) makeACME() error {
	n.acme = &acme.Loop{Store: n.store, Logs: n.hub, Directory: n.cfg.ACMEDirectory(), Email: n.cfg.ACMEEmail, Settle: n.settle, Log: n.log}
	n.control.ACME = n.acme.Directory != ""
	if n.cfg.ACMECA == "" {
		return nil
	}
	text, err := os.ReadFile(n.cfg.ACMECA)
	if err != nil {
		return fmt.Errorf("read --acme-ca: %w", err)
	}
	n.acme.Roots = x509.NewCertPool()
	if !n.acme.Roots.AppendCertsFromPEM(text) {
		return fmt.Errorf("--acme-ca %s holds no certificate (PEM)", n.cfg.ACMECA)
	}
	return nil
}
