package secret

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// OpenBox makes a box of the keys in file: one 64-digit hexadecimal key in each
// line, the newest first; older ones stay, for what was sealed with them. When the file does not exist it is made with one random key,
// readable by its owner alone. A file that others may read is refused.
func OpenBox(file string) (*Box, error) {
	text, err := readKeyFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		if err := createKeyFile(file); err != nil {
			return nil, fmt.Errorf("make master key: %w", err)
		}
		text, err = readKeyFile(file)
	}
	if err != nil {
		return nil, fmt.Errorf("read master key: %w", err)
	}
	var keys [][]byte
	for line := range bytes.Lines(text) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			continue
		}
		key, err := hex.DecodeString(string(line))
		if err != nil || len(key) != KeySize {
			return nil, fmt.Errorf("read master key %s: key %d is not %d hexadecimal digits; restore the file from your copy of it", file, len(keys)+1, 2*KeySize)
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("read master key %s: the file is empty; restore it from your copy, without it no secret can be read", file)
	}
	return NewBox(keys...)
}

func readKeyFile(file string) ([]byte, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s may be read by others (mode %04o): run chmod 600 %s", file, info.Mode().Perm(), file)
	}
	return os.ReadFile(file)
}

// createKeyFile writes a new key so that the file appears whole or not at all,
// and never replaces one.
func createKeyFile(file string) error {
	key := make([]byte, KeySize)
	rand.Read(key)
	dir := filepath.Dir(file)
	tmp, err := os.CreateTemp(dir, ".key-") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	defer tmp.Close()
	if _, err := fmt.Fprintf(tmp, "%x\n", key); err != nil {
		return err
	}
	if err := tmp.Sync(); err != nil {
		return err
	}
	// Link, not rename: it fails when another process has made the key meanwhile.
	if err := os.Link(tmp.Name(), file); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
