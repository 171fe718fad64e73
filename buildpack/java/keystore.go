package java

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // the format has no other
	"encoding/binary"
	"encoding/pem"
	"fmt"
	"os"
	"time"
	"unicode/utf16"
)

// bundles are where the certificates that a build trusts may be.
func bundles() []string {
	return []string{os.Getenv("SSL_CERT_FILE"), "/etc/ssl/certs/ca-certificates.crt"}
}

// trust writes the certificates that this build trusts where Java looks for them.
func trust(file string) error {
	for _, bundle := range bundles() {
		if bundle == "" {
			continue
		}
		text, err := os.ReadFile(bundle)
		if err != nil {
			continue
		}
		if err := os.RemoveAll(file); err != nil {
			return err
		}
		return os.WriteFile(file, keystore(text, time.Now()), 0o644)
	}
	return nil
}

// keystorePassword is what every Java expects of its cacerts.
const keystorePassword = "changeit"

// keystore is a Java key store (JKS) of all certificates in PEM text.
func keystore(text []byte, now time.Time) []byte {
	var entries bytes.Buffer
	count := uint32(0)
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		count++
		number(&entries, uint32(2)) // a trusted certificate
		short(&entries, fmt.Sprintf("authority-%d", count))
		number(&entries, uint64(now.UnixMilli()))
		short(&entries, "X.509")
		number(&entries, uint32(len(block.Bytes)))
		entries.Write(block.Bytes)
	}
	var out bytes.Buffer
	number(&out, uint32(0xfeedfeed))
	number(&out, uint32(2))
	number(&out, count)
	out.Write(entries.Bytes())
	var salted bytes.Buffer
	number(&salted, utf16.Encode([]rune(keystorePassword)))
	salted.WriteString("Mighty Aphrodite")
	salted.Write(out.Bytes())
	sum := sha1.Sum(salted.Bytes()) //nolint:gosec // as above
	out.Write(sum[:])
	return out.Bytes()
}

func number(w *bytes.Buffer, v any) {
	if err := binary.Write(w, binary.BigEndian, v); err != nil {
		panic(err) // fixed sizes into memory
	}
}

func short(w *bytes.Buffer, s string) {
	number(w, uint16(len(s)))
	w.WriteString(s)
}
