package build

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

// errNoProgram is a kigo that was compiled without its helper.
var errNoProgram = errors.New("this kigo was built without its build program: run `make build`")

// installProgram writes the embedded kigo-buildpack to a folder of its own below
// DIR/bin, named by its content, and returns that folder. Builds of an older
// kigo that still run keep theirs.
func installProgram(dir string) (string, error) {
	data, err := embedded.ReadFile("embed/kigo-buildpack")
	if err != nil {
		return "", errNoProgram
	}
	sum := sha256.Sum256(data)
	folder := filepath.Join(dir, "bin", "kigo-buildpack-"+hex.EncodeToString(sum[:6]))
	file := filepath.Join(folder, "kigo-buildpack")
	return folder, atomicfile.Executable(file, data)
}
