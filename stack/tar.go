package stack

import (
	"archive/tar"
	"fmt"
	"io"
	"os"

	"github.com/kigo-dev/kigo/internal/image"
)

// Tar writes a stack's image as a layer of a container image: the same files, with their
// owners and times.
func Tar(file *os.File, w io.Writer) error {
	t := tar.NewWriter(w)
	if err := image.Tar(t, file, "", nil); err != nil {
		return fmt.Errorf("write layer of stack: %w", err)
	}
	return t.Close()
}
