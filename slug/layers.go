package slug

import (
	"archive/tar"
	"bufio"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// Limits of a container image besides those of a slug.
const (
	maxLayers     = 200
	maxImageBytes = 10 << 30 // unpacked, all layers together
	maxImageID    = 65535    // uids and gids: an app owns as many
	maxLinks      = 40       // symbolic links on the way to one entry
	maxUserFile   = 1 << 20
	maxNames      = 256 << 20 // bytes of all names and link targets, which are in memory
)

// entry is one name of the flattened image.
type entry struct {
	mode     fs.FileMode // with its type
	uid, gid int
	target   string            // of a symbolic link
	children map[string]*entry // of a folder
	content  *content          // of a file; shared by hard links
}

// content says where a file's bytes are: the nth entry of a layer.
type content struct {
	layer, nth int
	size       int64
}

func newFolder(mode fs.FileMode) *entry {
	return &entry{mode: fs.ModeDir | mode.Perm(), children: map[string]*entry{}}
}

// layers is an image being flattened: the tree that the layers make, one over the other.
type layers struct {
	files []*os.File
	root  *entry
	count int
	bytes int64
	names int64

	follows int // symbolic links on the way that is being walked
}

// open gives a layer's tar, whatever it is compressed with.
func (l *layers) open(i int) (*tar.Reader, func(), error) {
	if _, err := l.files[i].Seek(0, io.SeekStart); err != nil {
		return nil, nil, err
	}
	r := bufio.NewReaderSize(l.files[i], 1<<16)
	if head, _ := r.Peek(4); string(head) == "\x28\xb5\x2f\xfd" {
		z, err := zstd.NewReader(r, zstd.WithDecoderMaxMemory(256<<20), zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, nil, refuse("Layer %d of the image is damaged: %v.", i+1, err)
		}
		return tar.NewReader(z), z.Close, nil
	}
	z, err := plain(r)
	if err != nil {
		return nil, nil, refuse("Layer %d of the image is damaged.", i+1)
	}
	return tar.NewReader(z), func() {}, nil
}

// read applies one layer to the tree.
func (l *layers) read(i int) error {
	r, done, err := l.open(i)
	if err != nil {
		return err
	}
	defer done()
	for nth := 0; ; nth++ {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return refuse("Layer %d of the image is damaged: %v.", i+1, err)
		}
		if l.count++; l.count > maxFiles {
			return refuse("The image has more than %d files in its layers.", maxFiles)
		}
		if l.bytes += max(h.Size, 0); l.bytes > maxImageBytes {
			return refuse("The image's layers unpack to more than %d GB.", maxImageBytes>>30)
		}
		if err := l.apply(h, i, nth); err != nil {
			return err
		}
	}
}

const whiteout = ".wh."

func (l *layers) apply(h *tar.Header, layer, nth int) error {
	if l.names += int64(len(h.Name) + len(h.Linkname)); l.names > maxNames {
		return refuse("The names and link targets in the image's layers are more than %d MB.", maxNames>>20)
	}
	name, err := layerName(h.Name)
	if err != nil || name == "" {
		return err
	}
	dir, base := path.Split(name)
	if base == whiteout+whiteout+".opq" || strings.HasPrefix(base, whiteout) {
		return l.whiteout(dir, base)
	}
	if h.Uid < 0 || h.Uid > maxImageID || h.Gid < 0 || h.Gid > maxImageID {
		return refuse("The image's entry %q belongs to %d:%d: an app has the ids from 0 to %d.", name, h.Uid, h.Gid, maxImageID)
	}
	e := &entry{mode: fs.FileMode(h.Mode).Perm(), uid: h.Uid, gid: h.Gid}
	if h.Mode&0o1000 != 0 {
		e.mode |= fs.ModeSticky // but neither setuid nor setgid: nothing in a dyno gains rights
	}
	parent, err := l.find(dir)
	if err != nil {
		return err
	}
	switch h.Typeflag {
	case tar.TypeDir:
		e.mode |= fs.ModeDir
		if old := parent.children[base]; old != nil && old.mode.IsDir() {
			e.children = old.children
		} else {
			e.children = map[string]*entry{}
		}
	case tar.TypeReg:
		e.content = &content{layer: layer, nth: nth, size: h.Size}
	case tar.TypeSymlink:
		if h.Linkname == "" || len(h.Linkname) > 4095 || strings.ContainsRune(h.Linkname, 0) {
			return refuse("The image's entry %q is a link to nowhere.", name)
		}
		e.mode, e.target = e.mode|fs.ModeSymlink, h.Linkname
	case tar.TypeLink:
		return l.hardLink(h, name, parent, base)
	default: // devices and pipes: a dyno has its own /dev, and needs no others
		return nil
	}
	parent.children[base] = e
	return nil
}

// hardLink gives a file of this or an earlier layer another name.
func (l *layers) hardLink(h *tar.Header, name string, parent *entry, base string) error {
	target, err := layerName(h.Linkname)
	if err != nil {
		return err
	}
	dir, file := path.Split(target)
	at, err := l.find(dir)
	if err != nil {
		return err
	}
	old := at.children[file]
	if old == nil || old.mode.IsDir() {
		return refuse("The image's entry %q is a link to %q, which is no file in it.", name, h.Linkname)
	}
	if old.content != nil { // each name is written out
		if l.bytes += old.content.size; l.bytes > maxImageBytes {
			return refuse("The image is larger than %d GB: hard links count as often as they have names.", maxImageBytes>>30)
		}
	}
	parent.children[base] = old
	return nil
}

func (l *layers) whiteout(dir, base string) error {
	at, err := l.find(dir)
	if err != nil {
		return err
	}
	if base == whiteout+whiteout+".opq" {
		clear(at.children)
	} else if !strings.HasPrefix(base, whiteout+whiteout) {
		delete(at.children, strings.TrimPrefix(base, whiteout))
	}
	return nil
}

// layerName is an entry's path without a slash at its beginning; empty for the root.
func layerName(name string) (string, error) {
	if len(name) > 4095 || strings.ContainsRune(name, 0) {
		return "", refuse("The image has an entry whose name is too long or has a zero byte in it: %.60q.", name)
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == ".." {
			return "", refuse("The image's entry %q leaves its folder.", name)
		}
		if len(part) > 255 {
			return "", refuse("The image's entry %.60q… has a name of more than 255 bytes.", name)
		}
	}
	return strings.TrimPrefix(path.Clean("/"+name), "/"), nil
}

// find finds the folder of that path within the tree, through symbolic links,
// which lead nowhere else. What is missing is made.
func (l *layers) find(name string) (*entry, error) {
	l.follows = 0
	return l.folder(name)
}

func (l *layers) folder(name string) (*entry, error) {
	at := l.root
	var walked []string
	for part := range strings.SplitSeq(strings.Trim(name, "/"), "/") {
		if part == "" || part == "." {
			continue
		}
		if part == ".." {
			walked = walked[:max(len(walked)-1, 0)]
			var err error
			if at, err = l.folder(strings.Join(walked, "/")); err != nil {
				return nil, err
			}
			continue
		}
		next := at.children[part]
		switch {
		case next == nil:
			if l.count++; l.count > maxFiles {
				return nil, refuse("The image has more than %d files in its layers.", maxFiles)
			}
			next = newFolder(0o755)
			at.children[part] = next
		case next.mode&fs.ModeSymlink != 0:
			if l.follows++; l.follows > maxLinks {
				return nil, refuse("The image has too many symbolic links on the way to %q.", name)
			}
			to := next.target
			if !path.IsAbs(to) {
				to = strings.Join(walked, "/") + "/" + to
			}
			var err error
			if next, err = l.folder(to); err != nil {
				return nil, err
			}
		case !next.mode.IsDir():
			return nil, refuse("The image has %q below %q, which is no folder.", name, part)
		}
		walked = append(walked, part)
		at = next
	}
	return at, nil
}
