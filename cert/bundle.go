package cert

import (
	"bytes"
	"fmt"
	"os"

	"github.com/kigo-dev/kigo/internal/atomicfile"
)

// systemBundles is where systems keep what they trust, as in Go's crypto/x509.
var systemBundles = []string{
	"/etc/ssl/certs/ca-certificates.crt",
	"/etc/pki/tls/certs/ca-bundle.crt",
	"/etc/ssl/ca-bundle.pem",
	"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
	"/etc/ssl/cert.pem",
}

// SystemBundle is the file of certificates that this machine trusts:
// $SSL_CERT_FILE, or the system's own. Empty where there is none.
func SystemBundle() string {
	for _, path := range append([]string{os.Getenv("SSL_CERT_FILE")}, systemBundles...) {
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			return path
		}
	}
	return ""
}

// writeBundle joins the authority, the system's bundle and the file named by
// NODE_EXTRA_CA_CERTS: Node reads that variable only once, so our bundle has to
// stand in for it. The file is written only when it would change.
func writeBundle(path string, ca []byte) error {
	all := encode(ca)
	seen := []os.FileInfo{}
	for _, name := range []string{SystemBundle(), os.Getenv("NODE_EXTRA_CA_CERTS")} {
		info, err := os.Stat(name)
		if err != nil || contains(seen, info) {
			continue
		}
		seen = append(seen, info)
		data, err := os.ReadFile(name)
		if err != nil {
			return fmt.Errorf("read certificates: %w", err)
		}
		all = append(all, bytes.TrimSpace(data)...)
		all = append(all, '\n')
	}
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, all) {
		return nil
	}
	return atomicfile.Write(path, all, 0o644)
}

func contains(seen []os.FileInfo, info os.FileInfo) bool {
	for _, s := range seen {
		if os.SameFile(s, info) {
			return true
		}
	}
	return false
}
