package secret

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
)

// TokenPrefix begins every API token. It is Heroku's, so that its tools and the
// scanners that look for leaked tokens recognise ours.
const TokenPrefix = "HRKU-"

// NewToken makes an API token of 256 random bits.
func NewToken() string {
	return TokenPrefix + random(32)
}

// NewCapability makes a secret of 128 random bits for a URL, such as the one
// that attaches a terminal to a one-off dyno.
func NewCapability() string { return random(16) }

// HashToken is what is kept of a token. Plain SHA-256 is enough because a token
// has 256 bits of its own: nobody can try them all.
func HashToken(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// TokenHint shows which token is meant without telling it.
func TokenHint(token string) string {
	const head, tail = len(TokenPrefix) + 4, 4
	if len(token) < head+2*tail {
		return "**********"
	}
	return token[:head] + "**********" + token[len(token)-tail:]
}

func random(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}
