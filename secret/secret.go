// Package secret keeps what must not be read: it encrypts values for the
// database (Box with the master key, DataKey with one of an app), makes and hashes API tokens and hashes passwords. It promises
// that a copy of the database without the master key tells no secret, and that a
// ciphertext moved to another row or field does not decrypt.
//
// Start reading at box.go.
package secret
