package slug

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/erofs/go-erofs"

	"github.com/kigo-dev/kigo/internal/image"
)

// LayersOptions say how a container image becomes a dyno's root.
type LayersOptions struct {
	UID  uint32 // on the host: who reads the layers
	User string // the image's USER; its files become those of the dyno's user
}

// LayersResult is a flattened image: what is in it but for /app, and /app.
type LayersResult struct{ Root, App Result }

// flattening has room for the images that are flattened at once: each may need much memory.
var flattening = make(chan struct{}, 2)

// PackLayers flattens the layers of a container image, the lowest first, into two
// read-only images: the root, and /app, which dynos have writable. What the layers
// hold is read by a child with the app's rights alone.
func (s *Store) PackLayers(ctx context.Context, files []*os.File, o LayersOptions) (r LayersResult, err error) {
	if len(files) == 0 {
		return r, errNoLayers
	}
	select {
	case flattening <- struct{}{}:
		defer func() { <-flattening }()
	case <-ctx.Done():
		return r, fmt.Errorf("pack image: %w", context.Cause(ctx))
	}
	r.App, err = s.keep(func(appFile string) (Result, error) {
		var app Result
		r.Root, err = s.keep(func(rootFile string) (root Result, err error) {
			root, app, err = packLayers(ctx, files, rootFile, appFile, o)
			return root, err
		})
		return app, err
	})
	return r, err
}

func packLayers(ctx context.Context, files []*os.File, rootFile, appFile string, o LayersOptions) (root, app Result, err error) {
	appOut, err := os.OpenFile(appFile, os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
	if err != nil {
		return root, app, fmt.Errorf("pack image: %w", err)
	}
	defer appOut.Close()
	rootOut, err := os.OpenFile(rootFile, os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
	if err != nil {
		return root, app, fmt.Errorf("pack image: %w", err)
	}
	defer rootOut.Close()
	outs := []*os.File{appOut, rootOut}
	rep, err := runChild(ctx, child{verb: verbLayers, uid: o.UID, in: appOut, out: rootOut, more: files, user: o.User})
	if err != nil {
		return root, app, fmt.Errorf("pack image: %w", err)
	}
	for i, res := range []*Result{&app, &root} {
		if err := outs[i].Sync(); err != nil {
			return root, app, fmt.Errorf("sync image: %w", err)
		}
		if res.Digest, res.ImageSize, err = digestOf(outs[i]); err != nil {
			return root, app, err
		}
	}
	root.Size, root.RawSize, root.Files = rep.Size, rep.RawSize, rep.Files
	return root, app, nil
}

// flattenMain is the child's part: layers are open from descriptor 5 on.
func flattenMain(appFile, rootFile *os.File, count int, user string, when time.Time) (reply, error) {
	if count > maxLayers {
		return reply{}, refuse("The image has %d layers: %d are the most.", count, maxLayers)
	}
	l := &layers{root: newFolder(0o755)}
	for i := range count {
		l.files = append(l.files, os.NewFile(uintptr(5+i), "layer"))
	}
	for i := range l.files {
		if err := l.read(i); err != nil {
			return reply{}, err
		}
	}
	if err := l.furnish(); err != nil {
		return reply{}, err
	}
	uid, gid, err := l.userOf(user)
	if err != nil {
		return reply{}, err
	}
	app := l.root.children["app"]
	l.root.children["app"] = newFolder(0o755)
	f := flattener{layers: l, owner: handOver(uid, gid), when: when}
	if err := f.write(rootFile, l.root); err != nil {
		return reply{}, err
	}
	a := flattener{layers: l, owner: f.owner, when: when}
	if err := a.write(appFile, app); err != nil {
		return reply{}, err
	}
	return reply{Size: l.bytes, RawSize: l.bytes, Files: f.files + a.files}, nil
}

// handOver gives the files of the image's own user and group to those of dynos, and the
// other way round. What is root's becomes theirs, too, where the image runs as root: no
// one is root in a dyno.
func handOver(uid, gid int) func(u, g int) (int, int) {
	one := func(id, own, dyno int) int {
		switch {
		case id == own:
			return dyno
		case id == dyno && own != 0:
			return own
		}
		return id
	}
	return func(u, g int) (int, int) {
		return one(u, uid, int(dynoOwner.UID)), one(g, gid, int(dynoOwner.GID))
	}
}

// flattener writes one image of the tree.
type flattener struct {
	*layers
	owner func(uid, gid int) (int, int)
	when  time.Time
	w     *erofs.Writer
	files int
	paths map[*content][]named
}

// named is a name of a file and what it is like.
type named struct {
	name string
	e    *entry
}

func (f *flattener) write(out *os.File, root *entry) error {
	f.w = erofs.Create(out, erofs.WithBuildTime(uint64(f.when.Unix()), 0))
	f.paths = map[*content][]named{}
	err := errors.Join(f.settle("/", root), f.walk("", root))
	if err != nil {
		return err
	}
	for i := range f.layers.files {
		if err := f.contents(i); err != nil {
			return err
		}
	}
	return f.w.Close()
}

// walk makes folders and links, and notes where files go.
func (f *flattener) walk(dir string, e *entry) error {
	for _, name := range sortedNames(e) {
		c, full := e.children[name], dir+"/"+name
		if f.files++; f.files > maxFiles {
			return image.ErrTooMany
		}
		var err error
		switch {
		case c.mode.IsDir():
			if err = f.w.Mkdir(full, c.mode.Perm()); err == nil {
				err = f.walk(full, c)
			}
		case c.mode&fs.ModeSymlink != 0:
			err = f.w.Symlink(c.target, full)
		case c.content.layer < 0:
			err = f.file(full, nil)
		default:
			f.paths[c.content] = append(f.paths[c.content], named{full, c})
			continue
		}
		if err = errors.Join(err, f.settle(full, c)); err != nil {
			return fmt.Errorf("write %s: %w", full, err)
		}
	}
	return nil
}

// contents writes the files whose bytes are in one layer.
func (f *flattener) contents(layer int) error {
	at := map[int][]named{}
	for c, paths := range f.paths {
		if c.layer == layer {
			at[c.nth] = append(at[c.nth], paths...)
		}
	}
	if len(at) == 0 {
		return nil
	}
	return f.each(layer, func(nth int, r io.Reader) error {
		for i, p := range at[nth] {
			src := r
			if i > 0 {
				first, err := f.w.Open(at[nth][0].name)
				if err != nil {
					return err
				}
				defer first.Close() //nolint:errcheck // only read
				src = first
			}
			if err := f.file(p.name, src); err != nil {
				return fmt.Errorf("write %s: %w", p.name, err)
			}
			if err := f.settle(p.name, p.e); err != nil {
				return fmt.Errorf("write %s: %w", p.name, err)
			}
		}
		return nil
	})
}

func (f *flattener) file(name string, r io.Reader) error {
	w, err := f.w.Create(name)
	if err != nil {
		return err
	}
	if r != nil {
		if _, err := io.Copy(onlyWriter{w}, r); err != nil {
			if errors.Is(err, io.ErrUnexpectedEOF) {
				return refuse("A layer of the image ends in the middle of %s.", name)
			}
			return err
		}
	}
	return w.Close()
}

func (f *flattener) settle(name string, e *entry) error {
	uid, gid := f.owner(e.uid, e.gid)
	mode := e.mode.Perm() | e.mode&fs.ModeSticky
	return errors.Join(f.w.Chmod(name, mode), f.w.Chown(name, uid, gid), f.w.Chtimes(name, f.when, f.when))
}
