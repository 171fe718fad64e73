package slug

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"

	"github.com/erofs/go-erofs"

	"github.com/kigo-dev/kigo/internal/image"
)

// archiveRoot is where a slug's files are in its archive.
const archiveRoot = "./app/"

// packArchive writes what a tar archive holds as an image.
func packArchive(archive, out *os.File, when time.Time) (reply, error) {
	r, err := plain(archive)
	if err != nil {
		return reply{}, err
	}
	u := &unpacker{when: when, count: newCounter()}
	u.w = erofs.Create(out, erofs.WithBuildTime(uint64(when.Unix()), 0))
	err = u.unpack(tar.NewReader(r))
	size, cerr := u.count.Close()
	if err == nil {
		err = cerr
	}
	if err == nil {
		err = u.w.Close()
	}
	return reply{Size: size, RawSize: u.count.raw, Files: u.files}, err
}

// plain takes gzip off an archive that has it.
func plain(f io.Reader) (io.Reader, error) {
	r := bufio.NewReaderSize(f, 1<<16)
	if head, _ := r.Peek(2); string(head) != "\x1f\x8b" {
		return r, nil
	}
	z, err := gzip.NewReader(r)
	if err != nil {
		return nil, refuse("The archive's compression is damaged: %v.", err)
	}
	return z, nil
}

type unpacker struct {
	w     *erofs.Writer
	when  time.Time
	count *counter
	files int
	all   int
}

func (u *unpacker) unpack(r *tar.Reader) error {
	if err := u.settle("/", 0o755); err != nil {
		return err
	}
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return refuse("The archive is damaged: %v.", err)
		}
		name, err := entryName(h.Name)
		if err != nil {
			return err
		}
		if u.all++; u.all > maxFiles {
			return image.ErrTooMany
		}
		if name == "" || skipped(name) {
			continue
		}
		if err := u.entry(h, name, r); err != nil {
			return fmt.Errorf("unpack %s: %w", name, err)
		}
	}
}

// entryName is an entry's path below the archive's root; empty for the root itself.
func entryName(name string) (string, error) {
	clean := path.Clean("/" + name)
	for part := range strings.SplitSeq(name, "/") {
		if part == ".." {
			return "", refuse("The archive's entry %q leaves its folder.", name)
		}
	}
	switch {
	case strings.ContainsRune(name, 0):
		return "", refuse("The archive's entry %q has a zero byte in its name.", name)
	case clean == "/" || clean == "/app":
		return "", nil
	case strings.HasPrefix(clean, "/app/"):
		return clean[len("/app/"):], nil
	}
	return "", refuse("The archive's entry %q is not below ./app, where a slug's files are.", name)
}

func (u *unpacker) entry(h *tar.Header, name string, r io.Reader) error {
	if err := u.parents(name); err != nil {
		return err
	}
	mode := h.FileInfo().Mode()
	switch h.Typeflag {
	case tar.TypeDir:
		return u.folder(name, mode)
	case tar.TypeReg:
		return u.file(h, name, r)
	case tar.TypeSymlink:
		if err := u.fresh(name); err != nil {
			return err
		}
		u.files++
		if err := u.w.Symlink(h.Linkname, "/"+name); err != nil {
			return err
		}
		return errors.Join(u.settle("/"+name, 0o777), u.count.Entry(name, h.Linkname, h.FileInfo()))
	case tar.TypeLink:
		return u.hardLink(h, name)
	case tar.TypeChar, tar.TypeBlock:
		return refuseSpecial(name, fs.ModeDevice)
	}
	return nil
}

func (u *unpacker) folder(name string, mode fs.FileMode) error {
	if info, err := u.w.Stat("/" + name); err == nil {
		if !info.IsDir() {
			return refuse("The archive has %s twice.", name)
		}
	} else if err := u.w.Mkdir("/"+name, mode); err != nil {
		return err
	}
	return u.settle("/"+name, mode)
}

func (u *unpacker) file(h *tar.Header, name string, r io.Reader) error {
	if err := u.fresh(name); err != nil {
		return err
	}
	f, err := u.w.Create("/" + name)
	if err != nil {
		return err
	}
	u.files++
	if err := u.count.Entry(name, "", h.FileInfo()); err != nil {
		return err
	}
	if _, err := io.Copy(io.MultiWriter(onlyWriter{f}, u.count), r); err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return refuse("The archive ends in the middle of %s.", name)
		}
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return u.settle("/"+name, h.FileInfo().Mode())
}

// hardLink copies the file that the archive had before under another name.
func (u *unpacker) hardLink(h *tar.Header, name string) error {
	target, err := entryName(h.Linkname)
	if err != nil {
		return err
	}
	info, err := u.w.Stat("/" + target)
	if err != nil || !info.Mode().IsRegular() {
		return refuse("The archive's entry %s is a link to %s, which is no file in it.", name, h.Linkname)
	}
	src, err := u.w.Open("/" + target)
	if err != nil {
		return err
	}
	defer src.Close() //nolint:errcheck // only read
	// The link shares its target's place in go-erofs's spool file, which is
	// appended to while it is read: io.SectionReader reads at offsets, so both work.
	copied := &tar.Header{Typeflag: tar.TypeReg, Name: h.Name, Size: info.Size(), Mode: int64(info.Mode().Perm())}
	return u.file(copied, name, src)
}

// fresh refuses a name that the image has already.
func (u *unpacker) fresh(name string) error {
	if _, err := u.w.Stat("/" + name); err == nil {
		return refuse("The archive has %s twice.", name)
	}
	return nil
}

// parents makes the folders above name that the archive did not mention, and
// refuses a name below something that is no folder.
func (u *unpacker) parents(name string) error {
	for i := range len(name) {
		if name[i] != '/' {
			continue
		}
		dir := name[:i]
		info, err := u.w.Stat("/" + dir)
		if err == nil && !info.IsDir() {
			return refuse("The archive has %s below %s, which is no folder.", name, dir)
		}
		if err != nil {
			if u.all++; u.all > maxFiles {
				return image.ErrTooMany
			}
			if err := u.folder(dir, 0o755); err != nil {
				return err
			}
		}
	}
	return nil
}

// settle gives an entry the mode, owner and time that everything in a slug has.
func (u *unpacker) settle(name string, mode fs.FileMode) error {
	return errors.Join(
		u.w.Chmod(name, mode),
		u.w.Chown(name, int(dynoOwner.UID), int(dynoOwner.GID)),
		u.w.Chtimes(name, u.when, u.when))
}

// onlyWriter hides ReadFrom, so that io.MultiWriter feeds both.
type onlyWriter struct{ io.Writer }
