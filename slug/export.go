package slug

import (
	"archive/tar"
	"compress/gzip"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/kigo-dev/kigo/internal/image"
)

// exportImage writes an image as the archive of a slug.
func exportImage(f *os.File, w io.Writer) error {
	src, err := image.Open(f)
	if err != nil {
		return fmt.Errorf("read image: %w", err)
	}
	z, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
	if err != nil {
		return err
	}
	t := tar.NewWriter(z)
	err = fs.WalkDir(src, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return exportEntry(t, src, name, d)
	})
	if err != nil {
		return fmt.Errorf("write archive: %w", err)
	}
	if err := t.Close(); err != nil {
		return fmt.Errorf("write archive: %w", err)
	}
	return z.Close()
}

func exportEntry(t *tar.Writer, src fs.FS, name string, d fs.DirEntry) error {
	info, err := d.Info()
	if err != nil {
		return err
	}
	target := ""
	if info.Mode().Type() == fs.ModeSymlink {
		if target, err = fs.ReadLink(src, name); err != nil {
			return err
		}
	}
	h, err := tar.FileInfoHeader(info, target)
	if err != nil {
		return err
	}
	h.Uid, h.Gid = int(dynoOwner.UID), int(dynoOwner.GID)
	h.Name = archiveRoot + name
	switch {
	case name == ".":
		h.Name = archiveRoot
	case info.IsDir():
		h.Name += "/"
	}
	if err := t.WriteHeader(h); err != nil || !info.Mode().IsRegular() {
		return err
	}
	f, err := src.Open(name)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // only read
	_, err = io.Copy(t, f)
	return err
}
