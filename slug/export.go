package slug

import (
	"archive/tar"
	"compress/gzip"
	"fmt"
	"io"
	"os"

	"github.com/kigo-dev/kigo/internal/image"
)

// exportImage writes an image as the archive of a slug.
func exportImage(f *os.File, w io.Writer) error {
	z, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
	if err != nil {
		return err
	}
	t := tar.NewWriter(z)
	if err := image.Tar(t, f, archiveRoot, &dynoOwner); err != nil {
		return fmt.Errorf("write archive: %w", err)
	}
	if err := t.Close(); err != nil {
		return fmt.Errorf("write archive: %w", err)
	}
	return z.Close()
}
