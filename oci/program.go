package oci

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"path/filepath"

	"github.com/kigo-dev/kigo/internal/atomicfile"
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
	return path, atomicfile.Executable(path, data)
}
