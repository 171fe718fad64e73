package run

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"

	"github.com/kigo-dev/kigo/buildpack"
)

// unpack puts the source into BUILD_DIR. A source that came from a URL loses a
// folder that holds all the rest, which archives of code hosts have.
func (r *Runner) unpack(ctx context.Context) error {
	l := r.Job.Layout
	src := l.Source
	if r.Job.SourceURL != "" {
		src = l.Packs + "/source.download"
		defer os.Remove(src)
		ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
		defer cancel()
		sum, err := download(ctx, r.Job.SourceURL, src, maxSource)
		if err != nil {
			return reject("Could not fetch the source from %s: %s", r.Job.SourceURL, err)
		}
		if want, ok := checksum(r.Job.Checksum); ok && want != sum {
			return reject("The source from %s has the SHA-256 %s, not %s as the build says", r.Job.SourceURL, sum, want)
		}
	}
	f, err := os.Open(src)
	if err != nil {
		return err
	}
	defer f.Close()
	if want, ok := checksum(r.Job.Checksum); ok && r.Job.SourceURL == "" {
		if err := verify(f, want); err != nil {
			return err
		}
	}
	root, err := os.OpenRoot(l.Build)
	if err != nil {
		return err
	}
	defer root.Close()
	r.modules = map[string]string{}
	if err := untarTo(f, root, r.Job.Limits, r.modules); err != nil {
		var bad *badArchive
		if errors.As(err, &bad) {
			return reject("The source is not a tar archive that can be used: %s", bad.why)
		}
		return err
	}
	if r.Job.SourceURL != "" {
		return lift(l.Build)
	}
	return nil
}

const maxSource = 1 << 30

// verify reads a source whole and compares its digest, then winds it back.
func verify(f *os.File, want string) error {
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return err
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != want {
		return reject("The source has the SHA-256 %s, not %s as the build says", got, want)
	}
	_, err := f.Seek(0, io.SeekStart)
	return err
}

// checksum takes the hex digits of "SHA256:…".
func checksum(s string) (string, bool) {
	kind, hex, ok := strings.Cut(s, ":")
	return strings.ToLower(hex), ok && strings.EqualFold(kind, "sha256")
}

// badArchive is a fault of the archive, not of us.
type badArchive struct{ why string }

func (b *badArchive) Error() string { return "bad archive: " + b.why }

func bad(format string, args ...any) error { return &badArchive{fmt.Sprintf(format, args...)} }

// Untar unpacks a tar archive, gzipped or not, below root. Nothing lands outside
// of root; what is neither file, folder nor link is left out; sizes and counts
// are bounded while reading.
func Untar(src io.Reader, root *os.Root, limits buildpack.Limits) error {
	return untarTo(src, root, limits, nil)
}

// untarTo is Untar that notes the commits of submodules, when modules is not nil.
func untarTo(src io.Reader, root *os.Root, limits buildpack.Limits, modules map[string]string) error {
	in := bufio.NewReaderSize(src, 256<<10)
	var stream io.Reader = in
	if magic, _ := in.Peek(2); len(magic) == 2 && magic[0] == 0x1f && magic[1] == 0x8b {
		gz, err := gzip.NewReader(in)
		if err != nil {
			return bad("%s", err)
		}
		stream = gz
	}
	if limits.Bytes <= 0 {
		limits.Bytes = 4 << 30
	}
	if limits.Files <= 0 {
		limits.Files = 500_000
	}
	u := untar{root: root, limits: limits, made: map[string]bool{".": true}}
	defer u.leave()
	for tr := tar.NewReader(stream); ; {
		h, err := tr.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return bad("%s", err)
		}
		if id := h.PAXRecords[submoduleRecord]; modules != nil && h.Typeflag == tar.TypeDir && commitID.MatchString(id) {
			modules[path.Clean(h.Name)] = id
		}
		if err := u.entry(h, tr); err != nil {
			return err
		}
	}
}

// maxName is how long a file's path in an app may be: Linux takes 4,095 bytes with
// the folder that the app is in.
const maxName = 4000

type untar struct {
	root   *os.Root
	limits buildpack.Limits
	bytes  int64
	files  int
	made   map[string]bool // folders known to be there
	here   *os.Root        // the folder of the last entry: most come folder by folder
	at     string          // its name; "" without one
}

// in returns the root of a folder. It is the one on the disk as long as nothing is
// removed.
func (u *untar) in(dir string) (*os.Root, error) {
	if u.here != nil && u.at == dir {
		return u.here, nil
	}
	here, err := u.root.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	u.leave()
	u.here, u.at = here, dir
	return here, nil
}

func (u *untar) leave() {
	if u.here != nil {
		u.here.Close()
	}
	u.here, u.at = nil, ""
}

func (u *untar) entry(h *tar.Header, body io.Reader) error {
	switch h.Typeflag {
	case tar.TypeReg, tar.TypeDir, tar.TypeSymlink, tar.TypeLink:
	default:
		return nil
	}
	name := path.Clean(strings.TrimPrefix(h.Name, "/"))
	if name == "." {
		return nil
	}
	if name == ".." || strings.HasPrefix(name, "../") || strings.ContainsRune(name, 0) {
		return bad("it holds %q, which is outside of the app's folder", h.Name)
	}
	if len(name) > maxName {
		return bad("it holds %.60q…, whose name is too long: %d bytes, at most %d are possible", h.Name, len(name), maxName)
	}
	if u.files++; u.files > u.limits.Files {
		return bad("it holds more than %d files", u.limits.Files)
	}
	if u.bytes += h.Size; u.bytes > u.limits.Bytes {
		return bad("it unpacks to more than %d MB", u.limits.Bytes>>20)
	}
	if h.Typeflag == tar.TypeDir {
		return u.dir(name)
	}
	if err := u.dir(path.Dir(name)); err != nil {
		return err
	}
	err := u.write(name, h, body)
	if errors.Is(err, fs.ErrExist) { // an archive may hold a name twice: the last one counts
		u.leave()
		if err = u.root.RemoveAll(name); err == nil {
			err = u.write(name, h, body)
		}
	}
	return u.explain(h, err)
}

// explain tells an archive's fault from ours.
func (u *untar) explain(h *tar.Header, err error) error {
	if err == nil || isOurs(err) {
		return err
	}
	return bad("%q: %s", h.Name, err)
}

func (u *untar) dir(name string) error {
	if u.made[name] {
		return nil
	}
	if err := u.root.MkdirAll(name, 0o755); err != nil {
		if isOurs(err) {
			return err
		}
		return bad("%q: %s", name, err)
	}
	u.made[name] = true
	return nil
}

func (u *untar) write(name string, h *tar.Header, body io.Reader) error {
	if h.Typeflag == tar.TypeLink {
		return u.root.Link(path.Clean(strings.TrimPrefix(h.Linkname, "/")), name)
	}
	dir, err := u.in(path.Dir(name))
	if err != nil {
		return err
	}
	if h.Typeflag == tar.TypeSymlink {
		return dir.Symlink(h.Linkname, path.Base(name))
	}
	f, err := dir.OpenFile(path.Base(name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644|fs.FileMode(h.Mode)&0o111)
	if err != nil {
		return err
	}
	if _, err := io.Copy(f, body); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

// lift moves the content of the only folder of dir up into dir.
func lift(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 || !entries[0].IsDir() {
		return err
	}
	only, err := os.MkdirTemp(dir, ".lift-")
	if err != nil {
		return err
	}
	inner := only + "/a"
	if err := os.Rename(dir+"/"+entries[0].Name(), inner); err != nil {
		return err
	}
	entries, err = os.ReadDir(inner)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := os.Rename(inner+"/"+e.Name(), dir+"/"+e.Name()); err != nil {
			return err
		}
	}
	return os.RemoveAll(only)
}
