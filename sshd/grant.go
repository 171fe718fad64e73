package sshd

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"golang.org/x/crypto/ssh"

	"github.com/kigo-dev/kigo"
)

// Grant lets the holder of one key into one dyno, for as long as the authorization is good
// that it was asked for with.
type Grant struct {
	Account       kigo.AccountID
	Authorization string // its id
	Dyno          kigo.DynoID
	Expires       time.Time
	key           [16]byte // beginning of the key's SHA-256
}

// GrantTime is how long a grant opens new connections.
const GrantTime = 24 * time.Hour

const macSize = 16

var errGrant = errors.New("this user name was not made by this server, or was made for another key")

// User makes the user name that lets the holder of a public key, as in an
// authorized_keys line, into the dyno of g, whose account and authorization it is.
func (s *Server) User(g Grant, authorizedKey []byte) (string, error) {
	key, _, _, _, err := ssh.ParseAuthorizedKey(authorizedKey)
	if err != nil {
		return "", kigo.Invalid("client_key is no SSH public key: %s.", err)
	}
	g.Expires, g.key = s.now().Add(GrantTime), fingerprint(key)
	return s.sign(g)
}

func fingerprint(key ssh.PublicKey) (f [16]byte) {
	sum := sha256.Sum256(key.Marshal())
	copy(f[:], sum[:])
	return f
}

func (s *Server) sign(g Grant) (string, error) {
	account, err := uuid.Parse(string(g.Account))
	if err != nil {
		return "", fmt.Errorf("account id: %w", err)
	}
	authorization := uuid.Nil // asked for without a token, from inside
	if g.Authorization != "" {
		if authorization, err = uuid.Parse(g.Authorization); err != nil {
			return "", fmt.Errorf("authorization id: %w", err)
		}
	}
	dyno, err := uuid.Parse(string(g.Dyno))
	if err != nil {
		return "", fmt.Errorf("dyno id: %w", err)
	}
	var b bytes.Buffer
	b.Write(account[:])
	b.Write(authorization[:])
	b.Write(dyno[:])
	b.Write(binary.BigEndian.AppendUint64(nil, uint64(g.Expires.Unix())))
	b.Write(g.key[:])
	return base64.RawURLEncoding.EncodeToString(append(b.Bytes(), s.mac(b.Bytes())...)), nil
}

func (s *Server) mac(data []byte) []byte {
	h := hmac.New(sha256.New, s.Key)
	h.Write([]byte("kigo exec grant v2\n"))
	h.Write(data)
	return h.Sum(nil)[:macSize]
}

// open reads a user name back. The key must be the one that it was made for.
func (s *Server) open(user string, key ssh.PublicKey) (g Grant, err error) {
	data, err := base64.RawURLEncoding.DecodeString(user)
	const size = 16 + 16 + 16 + 8 + 16
	if err != nil || len(data) != size+macSize || !hmac.Equal(data[size:], s.mac(data[:size])) {
		return g, errGrant
	}
	g.Account = kigo.AccountID(uuid.UUID(data[:16]).String())
	if id := uuid.UUID(data[16:32]); id != uuid.Nil {
		g.Authorization = id.String()
	}
	g.Dyno = kigo.DynoID(uuid.UUID(data[32:48]).String())
	g.Expires = time.Unix(int64(binary.BigEndian.Uint64(data[48:56])), 0)
	copy(g.key[:], data[56:size])
	switch {
	case g.key != fingerprint(key):
		return g, errGrant
	case s.now().After(g.Expires):
		return g, errors.New("this user name has expired")
	}
	return g, nil
}
