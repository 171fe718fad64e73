package registry

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"hash"
	"net/http"
	"strings"
)

// digest names content: "sha256:…" or "sha512:…".
type digest struct{ alg, hex string }

func (d digest) String() string { return d.alg + ":" + d.hex }

// file is the digest as a file is named.
func (d digest) file() string { return d.alg + "-" + d.hex }

func digestOfFile(name string) (digest, bool) {
	alg, sum, ok := strings.Cut(name, "-")
	d, err := parseDigest(alg + ":" + sum)
	return d, ok && err == nil
}

func (d digest) hash() hash.Hash {
	if d.alg == "sha512" {
		return sha512.New()
	}
	return sha256.New()
}

func (d digest) matches(h hash.Hash) bool { return hex.EncodeToString(h.Sum(nil)) == d.hex }

func parseDigest(s string) (digest, error) {
	alg, sum, ok := strings.Cut(s, ":")
	size := map[string]int{"sha256": sha256.Size, "sha512": sha512.Size}[alg]
	raw, err := hex.DecodeString(sum)
	if !ok || size == 0 || err != nil || len(raw) != size || strings.ToLower(sum) != sum {
		return digest{}, refuse(http.StatusBadRequest, "DIGEST_INVALID", "%.150q is not a digest: write sha256: and 64 lower-case hexadecimal digits", s)
	}
	return digest{alg, sum}, nil
}

func digestOfBytes(alg string, b []byte) digest {
	d := digest{alg: alg}
	h := d.hash()
	h.Write(b)
	d.hex = hex.EncodeToString(h.Sum(nil))
	return d
}
