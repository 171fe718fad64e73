package secret

import (
	"crypto/cipher"
	"crypto/rand"
	"fmt"

	"golang.org/x/crypto/chacha20poly1305"
)

const recordV2 = 2

// DataKey seals what belongs to one owner, such as an app. The key itself is kept
// sealed by a Box, beside what it seals. A record is
//
//	1 byte version · 24 bytes nonce · ciphertext and tag
type DataKey struct{ aead cipher.AEAD }

// NewDataKey makes a random key: what is to be kept of it, sealed for a place, which
// DataKey must name again.
func (b *Box) NewDataKey(place string) []byte {
	key := make([]byte, chacha20poly1305.KeySize)
	rand.Read(key)
	return b.Seal(place, key)
}

// DataKey opens what NewDataKey made for the same place.
func (b *Box) DataKey(place string, sealed []byte) (*DataKey, error) {
	key, err := b.Open(place, sealed)
	if err != nil {
		return nil, err
	}
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", place, err)
	}
	return &DataKey{aead}, nil
}

// ByDataKey reports whether a record is one of a DataKey, and not of a Box.
func ByDataKey(record []byte) bool { return len(record) > 0 && record[0] == recordV2 }

// Seal encrypts plain for one place, as Box.Seal does.
func (k *DataKey) Seal(place string, plain []byte) []byte {
	out := make([]byte, 1+k.aead.NonceSize(), 1+k.aead.NonceSize()+len(plain)+k.aead.Overhead())
	out[0] = recordV2
	rand.Read(out[1:])
	return k.aead.Seal(out, out[1:], plain, []byte(place))
}

// Open decrypts what Seal made for the same place.
func (k *DataKey) Open(place string, record []byte) ([]byte, error) {
	head := 1 + k.aead.NonceSize()
	if len(record) < head || !ByDataKey(record) {
		return nil, fmt.Errorf("open %s: %w", place, ErrDamaged)
	}
	plain, err := k.aead.Open(nil, record[1:head], record[head:], []byte(place))
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", place, ErrDamaged)
	}
	return plain, nil
}
