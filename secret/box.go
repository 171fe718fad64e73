package secret

import (
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/crypto/chacha20poly1305"
)

// KeySize is a master key's length in bytes.
const KeySize = chacha20poly1305.KeySize

const (
	recordV1 = 1
	idSize   = 4
)

var (
	// ErrUnknownKey means that a record was sealed by a master key that the box
	// does not hold.
	ErrUnknownKey = errors.New("sealed with a master key that is not here")
	// ErrDamaged means that a record is not what Seal made for that place.
	ErrDamaged = errors.New("sealed value is damaged or belongs elsewhere")
)

// Box seals values with XChaCha20-Poly1305. A record is
//
//	1 byte version · 4 bytes key id · 24 bytes nonce · ciphertext and tag
//
// The key id is the start of the key's SHA-256, so that a box with several keys
// knows which one to open a record with: new records use the first key.
type Box struct {
	keys []boxKey // the first one seals
}

type boxKey struct {
	id     [idSize]byte
	secret []byte
	aead   cipher.AEAD
}

// NewBox makes a box of one or more 32-byte master keys. The first seals; the
// others only open what they sealed before a rotation.
func NewBox(keys ...[]byte) (*Box, error) {
	if len(keys) == 0 {
		return nil, errors.New("make box: no key")
	}
	b := &Box{}
	for _, k := range keys {
		aead, err := chacha20poly1305.NewX(k)
		if err != nil {
			return nil, fmt.Errorf("make box: %w", err)
		}
		sum := sha256.Sum256(append([]byte("kigo master key id\x00"), k...))
		b.keys = append(b.keys, boxKey{id: [idSize]byte(sum[:idSize]), secret: slices.Clone(k), aead: aead})
	}
	return b, nil
}

// Seal encrypts plain for one place, which Open must name again:
// "table|row|field".
func (b *Box) Seal(place string, plain []byte) []byte {
	k := b.keys[0]
	out := make([]byte, 0, 1+idSize+k.aead.NonceSize()+len(plain)+k.aead.Overhead())
	out = append(out, recordV1)
	out = append(out, k.id[:]...)
	nonce := make([]byte, k.aead.NonceSize())
	rand.Read(nonce) // never fails: crypto/rand ends the process instead
	out = append(out, nonce...)
	return k.aead.Seal(out, nonce, plain, []byte(place))
}

// Open decrypts what Seal made for the same place.
func (b *Box) Open(place string, record []byte) ([]byte, error) {
	const head = 1 + idSize + chacha20poly1305.NonceSizeX
	if len(record) < head || record[0] != recordV1 {
		return nil, fmt.Errorf("open %s: %w", place, ErrDamaged)
	}
	for _, k := range b.keys {
		if k.id != [idSize]byte(record[1:1+idSize]) {
			continue
		}
		plain, err := k.aead.Open(nil, record[1+idSize:head], record[head:], []byte(place))
		if err != nil {
			return nil, fmt.Errorf("open %s: %w", place, ErrDamaged)
		}
		return plain, nil
	}
	return nil, fmt.Errorf("open %s: %w (key id %x)", place, ErrUnknownKey, record[1:1+idSize])
}

// Stale reports whether a record was sealed by another than the first key, so
// that a rotation should seal it again.
func (b *Box) Stale(record []byte) bool {
	return len(record) < 1+idSize || b.keys[0].id != [idSize]byte(record[1:1+idSize])
}

// KeyID names the first key without telling it, for messages.
func (b *Box) KeyID() string { return hex.EncodeToString(b.keys[0].id[:]) }

// Derive makes a 32-byte key of its own for one purpose, such as signing the
// URLs of log sessions. It is the same after every restart with the same first key.
func (b *Box) Derive(purpose string) []byte { return b.keys[0].derive(purpose) }

// DeriveAll makes what Derive made for one purpose with each of the keys, the first
// first: to check what was signed before a key was put in front.
func (b *Box) DeriveAll(purpose string) [][]byte {
	all := make([][]byte, len(b.keys))
	for i, k := range b.keys {
		all[i] = k.derive(purpose)
	}
	return all
}

func (k boxKey) derive(purpose string) []byte {
	key, err := hkdf.Key(sha256.New, k.secret, nil, "kigo derived key: "+purpose, 32)
	if err != nil {
		panic("derive key: " + err.Error()) // only for lengths that HKDF cannot make
	}
	return key
}
