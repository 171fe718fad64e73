package oci

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"path/filepath"

	"github.com/kigo-dev/kigo/internal/atomicfile"
)

//go:embed embed
var embedded embed.FS

// FilesProgram is where a dyno sees the program that speaks SFTP for ps:copy.
const FilesProgram = "/dev/kigo-sftp"

// installProgram writes an embedded program to DIR/bin, under a name by its
// content: shims of an older kigo keep theirs.
func installProgram(dir, name string) (string, error) {
	data, err := embedded.ReadFile("embed/" + name)
	if err != nil {
		return "", fmt.Errorf("oci: this kigo was built without its program %s: run `make build`", name)
	}
	sum := sha256.Sum256(data)
	path := filepath.Join(dir, "bin", name+"-"+hex.EncodeToString(sum[:6]))
	return path, atomicfile.Executable(path, data)
}
