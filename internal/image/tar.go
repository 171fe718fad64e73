package image

import (
	"archive/tar"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/erofs/go-erofs"
)

// Tar writes what an image holds as entries of an archive, whose names begin with prefix;
// without one there is no entry of the image's root. Owner is that of everything; nil: as
// in the image. The archive is not ended.
func Tar(t *tar.Writer, file *os.File, prefix string, owner *Owner) error {
	src, err := Open(file)
	if err != nil {
		return fmt.Errorf("read image: %w", err)
	}
	return fs.WalkDir(src, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == "." && prefix == "" {
			return err
		}
		return tarEntry(t, src, name, d, prefix, owner)
	})
}

func tarEntry(t *tar.Writer, src fs.FS, name string, d fs.DirEntry, prefix string, owner *Owner) error {
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
	h.Name = prefix + name
	switch {
	case name == ".":
		h.Name = prefix
	case info.IsDir():
		h.Name += "/"
	}
	h.Uid, h.Gid, h.Uname, h.Gname = 0, 0, "", ""
	if st, ok := info.Sys().(*erofs.Stat); ok {
		h.Uid, h.Gid = int(st.UID), int(st.GID)
	}
	if owner != nil {
		h.Uid, h.Gid = int(owner.UID), int(owner.GID)
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
