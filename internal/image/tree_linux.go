package image

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"sort"
	"time"

	"github.com/erofs/go-erofs"
	"golang.org/x/sys/unix"
)

// tree is a folder as go-erofs reads it: relative to an open folder, through
// no symbolic link, with the owner and time that the image shall have.
type tree struct {
	Options
	root       *os.File          // kept, so that it is not closed while its descriptor is used
	subfolders map[string]uint32 // by path in the image, for link counts
	stats      Stats
	entries    int
	latest     *fileInfo // what the walk has just asked about, and opens next
}

// beneath refuses every way out of the folder: the links in it are a tenant's.
const beneath = unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS

func (t *tree) descriptor(name string, flags uint64) (int, error) {
	for {
		fd, err := unix.Openat2(int(t.root.Fd()), name, &unix.OpenHow{Flags: flags | unix.O_CLOEXEC, Resolve: beneath})
		if err == unix.EINTR || err == unix.EAGAIN {
			continue
		}
		if err != nil {
			return -1, &fs.PathError{Op: "open", Path: name, Err: err}
		}
		return fd, nil
	}
}

func (t *tree) folder(name string, flags uint64) (*os.File, error) {
	fd, err := t.descriptor(name, unix.O_DIRECTORY|flags)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), name), nil
}

// Stat describes the folder itself, which is all that is asked by path.
func (t *tree) Stat(name string) (fs.FileInfo, error) {
	d, err := t.folder(name, 0)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	var st unix.Stat_t
	if err := unix.Fstat(int(d.Fd()), &st); err != nil {
		return nil, &fs.PathError{Op: "stat", Path: name, Err: err}
	}
	return t.info(path.Base(name), &st), nil
}

// ReadDir lists what goes into the image from one folder, by name.
func (t *tree) ReadDir(name string) ([]fs.DirEntry, error) {
	d, err := t.folder(name, 0)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	names, err := d.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	sort.Strings(names)
	entries := make([]fs.DirEntry, 0, len(names))
	for _, base := range names {
		info, err := t.entry(int(d.Fd()), path.Join(name, base), base)
		if err != nil {
			return nil, err
		}
		if info == nil {
			continue
		}
		if info.IsDir() {
			t.subfolders[path.Join("/", name)]++
		}
		entries = append(entries, dirEntry{t, info})
	}
	return entries, nil
}

// entry describes one entry of an open folder, or gives nil for one to leave out.
func (t *tree) entry(dir int, full, base string) (*fileInfo, error) {
	if t.Skip != nil && t.Skip(full) {
		return nil, nil
	}
	var st unix.Stat_t
	if err := unix.Fstatat(dir, base, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return nil, &fs.PathError{Op: "stat", Path: full, Err: err}
	}
	info := t.info(base, &st)
	switch info.mode.Type() {
	case fs.ModeDir, fs.ModeSymlink, 0:
	default:
		if t.Special == nil {
			return nil, nil
		}
		return nil, t.Special(full, info.mode)
	}
	if t.entries++; t.MaxFiles > 0 && t.entries > t.MaxFiles {
		return nil, ErrTooMany
	}
	return info, t.count(dir, full, base, info)
}

func (t *tree) count(dir int, full, base string, info *fileInfo) error {
	if info.IsDir() {
		t.subfolders[path.Join("/", full)] += 0
	} else {
		t.stats.Files++
		t.stats.Bytes += info.size
	}
	if t.Tee == nil || (info.mode.IsRegular() && info.size > 0) {
		return nil // a file with content is told of when it is read
	}
	target := ""
	if info.mode.Type() == fs.ModeSymlink {
		var err error
		if target, err = readlinkat(dir, base); err != nil {
			return err
		}
	}
	return t.Tee.Entry(full, target, info)
}

// ReadLink gives a symbolic link's target, as it stands.
func (t *tree) ReadLink(name string) (string, error) {
	d, err := t.folder(path.Dir(name), unix.O_PATH)
	if err != nil {
		return "", err
	}
	defer d.Close()
	return readlinkat(int(d.Fd()), path.Base(name))
}

func readlinkat(dir int, name string) (string, error) {
	buf := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(dir, name, buf)
	if err != nil {
		return "", &fs.PathError{Op: "readlink", Path: name, Err: err}
	}
	return string(buf[:n]), nil
}

// Open gives a regular file that is opened at its first Read. The walk opens a
// file just after it asked for its information.
func (t *tree) Open(name string) (fs.File, error) {
	if t.latest == nil || t.latest.name != path.Base(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	return &lazyFile{tree: t, name: name, info: t.latest, fd: -1, left: t.latest.size}, nil
}

// dirEntry is one entry of a folder; Info notes which one the walk is at.
type dirEntry struct {
	tree *tree
	info *fileInfo
}

func (d dirEntry) Name() string      { return d.info.name }
func (d dirEntry) IsDir() bool       { return d.info.IsDir() }
func (d dirEntry) Type() fs.FileMode { return d.info.mode.Type() }
func (d dirEntry) Info() (fs.FileInfo, error) {
	d.tree.latest = d.info
	return d.info, nil
}

func (t *tree) info(name string, st *unix.Stat_t) *fileInfo {
	owner := Owner{st.Uid, st.Gid}
	if t.Owner != nil {
		owner = *t.Owner
	}
	info := &fileInfo{name: name, mode: goMode(st.Mode), time: t.Time}
	if t.KeepTimes {
		info.time = time.Unix(st.Mtim.Sec, 0)
	}
	info.stat = erofs.Stat{UID: owner.UID, GID: owner.GID, Mtime: uint64(info.time.Unix()), Nlink: 1}
	if info.mode.IsRegular() {
		info.size = st.Size
	}
	return info
}

// lazyFile is one file's content: opened when its turn comes, closed after it. It
// reads its descriptor directly, because an os.File costs four more system calls.
type lazyFile struct {
	tree *tree
	name string
	info *fileInfo // as the walk saw it; the image has its size already
	fd   int       // -1 unless open
	left int64
}

func (l *lazyFile) open() error {
	fd, err := l.tree.descriptor(l.name, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY)
	if err != nil {
		return err
	}
	l.fd = fd
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return &fs.PathError{Op: "stat", Path: l.name, Err: err}
	}
	if goMode(st.Mode).Type() != 0 || st.Size != l.info.size {
		return fmt.Errorf("%s changed while it was read", l.name)
	}
	if l.tree.Tee == nil {
		return nil
	}
	return l.tree.Tee.Entry(l.name, "", l.info)
}

func (l *lazyFile) Read(p []byte) (int, error) {
	if l.left == 0 {
		return 0, io.EOF
	}
	if l.fd < 0 {
		if err := l.open(); err != nil {
			return 0, err
		}
	}
	if int64(len(p)) > l.left {
		p = p[:l.left]
	}
	n, err := unix.Read(l.fd, p)
	for err == unix.EINTR {
		n, err = unix.Read(l.fd, p)
	}
	if err != nil {
		return 0, &fs.PathError{Op: "read", Path: l.name, Err: err}
	}
	if n == 0 && len(p) > 0 {
		return 0, fmt.Errorf("%s changed while it was read: %w", l.name, io.ErrUnexpectedEOF)
	}
	if l.tree.Tee != nil {
		if _, err := l.tree.Tee.Write(p[:n]); err != nil {
			return 0, err
		}
	}
	l.left -= int64(n)
	return n, nil
}

func (l *lazyFile) Stat() (fs.FileInfo, error) { return nil, fs.ErrInvalid }

func (l *lazyFile) Close() error {
	if l.fd < 0 {
		return nil
	}
	err := unix.Close(l.fd)
	l.fd = -1
	return err
}

type fileInfo struct {
	name string
	size int64
	mode fs.FileMode
	time time.Time
	stat erofs.Stat
}

func (i *fileInfo) Name() string       { return i.name }
func (i *fileInfo) Size() int64        { return i.size }
func (i *fileInfo) Mode() fs.FileMode  { return i.mode }
func (i *fileInfo) ModTime() time.Time { return i.time }
func (i *fileInfo) IsDir() bool        { return i.mode.IsDir() }
func (i *fileInfo) Sys() any           { return &i.stat }

// goMode turns the kernel's mode into Go's.
func goMode(m uint32) fs.FileMode {
	mode := fs.FileMode(m & 0o777)
	if m&unix.S_ISUID != 0 {
		mode |= fs.ModeSetuid
	}
	if m&unix.S_ISGID != 0 {
		mode |= fs.ModeSetgid
	}
	if m&unix.S_ISVTX != 0 {
		mode |= fs.ModeSticky
	}
	switch m & unix.S_IFMT {
	case unix.S_IFDIR:
		mode |= fs.ModeDir
	case unix.S_IFLNK:
		mode |= fs.ModeSymlink
	case unix.S_IFREG:
	case unix.S_IFIFO:
		mode |= fs.ModeNamedPipe
	case unix.S_IFSOCK:
		mode |= fs.ModeSocket
	case unix.S_IFCHR:
		mode |= fs.ModeDevice | fs.ModeCharDevice
	default:
		mode |= fs.ModeDevice
	}
	return mode
}
