package stack

import (
	"archive/tar"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/erofs/go-erofs"

	"github.com/kigo-dev/kigo/internal/image"
)

// Tar writes a stack's image as a layer of a container image: the same files, with their
// owners and times.
func Tar(file *os.File, w io.Writer) error {
	src, err := image.Open(file)
	if err != nil {
		return fmt.Errorf("read stack: %w", err)
	}
	t := tar.NewWriter(w)
	err = fs.WalkDir(src, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == "." {
			return err
		}
		return tarEntry(t, src, name, d)
	})
	if err != nil {
		return fmt.Errorf("write layer of stack: %w", err)
	}
	return t.Close()
}

func tarEntry(t *tar.Writer, src fs.FS, name string, d fs.DirEntry) error {
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
	if h.Name = name; info.IsDir() {
		h.Name = strings.TrimSuffix(name, "/") + "/"
	}
	h.Uid, h.Gid, h.Uname, h.Gname = 0, 0, "", ""
	if st, ok := info.Sys().(*erofs.Stat); ok {
		h.Uid, h.Gid = int(st.UID), int(st.GID)
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
