package oci

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

//go:embed embed
var embedded embed.FS

// installProgram writes the embedded kigo-dyno to DIR/bin, under a name by its
// content: shims of an older kigo keep theirs.
func installProgram(dir string) (string, error) {
	data, err := embedded.ReadFile("embed/kigo-dyno")
	if err != nil {
		return "", errors.New("oci: this kigo was built without its dyno program: run `make build`")
	}
	sum := sha256.Sum256(data)
	path := filepath.Join(dir, "bin", "kigo-dyno-"+hex.EncodeToString(sum[:6]))
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return "", fmt.Errorf("make program folder: %w", err)
	}
	tmp := fmt.Sprintf("%s.%d", path, os.Getpid())
	// A child forked while the file is open for writing would hold it open, and the
	// file could not be executed ("text file busy").
	syscall.ForkLock.RLock()
	err = os.WriteFile(tmp, data, 0o755)
	syscall.ForkLock.RUnlock()
	if err != nil {
		return "", fmt.Errorf("write dyno program: %w", err)
	}
	if err := os.Rename(tmp, path); err != nil {
		return "", fmt.Errorf("install dyno program: %w", err)
	}
	return path, nil
}
