package registry

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sys/unix"
)

// Repository is a repository as the platform itself writes to it.
type Repository struct{ q *request }

// Repository opens the repository of a key, which need not be there yet.
func (g *Registry) Repository(key string) Repository {
	return Repository{&request{Registry: g, name: "of the app", repo: filepath.Join(g.Dir, "repos", key)}}
}

// Add stores content and returns its digest and size.
func (r Repository) Add(content io.Reader) (Descriptor, error) {
	if err := r.q.room(); err != nil {
		return Descriptor{}, err
	}
	if err := os.MkdirAll(filepath.Join(r.q.Dir, "uploads"), 0o700); err != nil {
		return Descriptor{}, err
	}
	f, err := os.OpenFile(filepath.Join(r.q.Dir, "uploads", uuid.NewString()), os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return Descriptor{}, fmt.Errorf("keep content: %w", err)
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(f, h), io.LimitReader(content, MaxBlob+1))
	if err == nil && n > MaxBlob {
		err = refuse(0, "SIZE_INVALID", "it has more than %d bytes in one layer", int64(MaxBlob))
	}
	d := digest{"sha256", hex.EncodeToString(h.Sum(nil))}
	if err == nil {
		err = r.q.adopt(f, d)
	}
	if err != nil {
		os.Remove(f.Name())
		return Descriptor{}, fmt.Errorf("keep content: %w", err)
	}
	return Descriptor{Digest: d.String(), Size: n}, r.q.mark(d)
}

// Put stores a manifest, whose content is there, and returns its digest. One that has no
// tag a day later is forgotten, unless it was pushed too.
func (r Repository) Put(mediaType string, manifest []byte) (string, error) {
	r.q.keeping.Lock()
	defer r.q.keeping.Unlock()
	if _, _, err := r.q.check(manifest, mediaType); err != nil {
		return "", err
	}
	d := digestOfBytes("sha256", manifest)
	if _, err := os.Stat(r.q.manifestPath(d)); errors.Is(err, os.ErrNotExist) {
		if err := r.q.keep(d, mediaType+madeHere, manifest); err != nil {
			return "", err
		}
	}
	now := time.Now() // by this clock, as touch: content that is asked for later is younger
	return d.String(), os.Chtimes(r.q.manifestPath(d), now, now)
}

// Tag gives a manifest that is there a tag. The one that had it is dropped: what is built
// again and again must not fill the disk.
func (r Repository) Tag(tag, manifest string) error {
	before, missing := r.q.resolve(tag)
	if err := write(filepath.Join(r.q.repo, "tags", tag), []byte(manifest)); err != nil || missing != nil {
		return err
	}
	return r.Drop(before.String())
}

// Manifest is the manifest of a tag.
func (r Repository) Manifest(tag string) (m Manifest, err error) {
	d, err := r.q.resolve(tag)
	if err != nil {
		return m, err
	}
	return r.q.manifest(d)
}

// refName is the annotation that names an image of a layout.
const refName = "org.opencontainers.image.ref.name"

// Import takes an image out of an OCI layout, which an app's own code may have written:
// content is stored under the digest that it has. It returns the digest of its manifest,
// which has no tag yet, and the image's id. An *Error says what is wrong with the layout, of
// which nothing stays then.
func (r Repository) Import(ctx context.Context, layout *os.Root, name string) (manifest, id string, err error) {
	text, err := small(layout, "index.json", MaxManifest)
	if err != nil {
		return "", "", err
	}
	var index Manifest
	if err := json.Unmarshal(text, &index); err != nil {
		return "", "", refuse(0, "MANIFEST_INVALID", "its index is not one: %v", err)
	}
	for _, found := range index.Manifests {
		if found.Annotations[refName] == name {
			return r.take(ctx, layout, found)
		}
	}
	return "", "", refuse(0, "MANIFEST_UNKNOWN", "there is no image %.100q", name)
}

func (r Repository) take(ctx context.Context, layout *os.Root, found Descriptor) (manifest, id string, err error) {
	d, err := parseDigest(found.Digest)
	if err != nil {
		return "", "", err
	}
	text, err := small(layout, d.inLayout(), MaxManifest)
	if err != nil {
		return "", "", err
	}
	var m Manifest
	if err := json.Unmarshal(text, &m); err != nil {
		return "", "", refuse(0, "MANIFEST_INVALID", "its manifest is not one: %v", err)
	}
	if m.Config == nil {
		return "", "", refuse(0, "MANIFEST_INVALID", "its manifest has no config")
	}
	if len(m.Layers) > maxLayers {
		return "", "", refuse(0, "MANIFEST_INVALID", "it has %d layers, %d are the most", len(m.Layers), maxLayers)
	}
	taken := map[string]time.Time{}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.unmark(taken))
		}
	}()
	for _, part := range m.parts() {
		had, err := r.takeBlob(ctx, layout, part)
		if err != nil {
			return "", "", err
		}
		if !had {
			taken[part] = time.Now()
		}
	}
	manifest, err = r.Put(typeManifest, text)
	return manifest, m.Config.Digest, err
}

// takeBlob reports whether the repository had the blob already.
func (r Repository) takeBlob(ctx context.Context, layout *os.Root, name string) (had bool, err error) {
	d, err := parseDigest(name)
	if err != nil || r.q.touch(d) {
		return true, err
	}
	f, err := open(layout, d.inLayout())
	if err != nil {
		return false, err
	}
	defer f.Close()
	h := d.hash()
	content := until{ctx, f}
	if _, err := io.Copy(h, io.LimitReader(content, MaxBlob+1)); err != nil {
		return false, err
	}
	if !d.matches(h) {
		return false, refuse(0, "DIGEST_INVALID", "the content of %s is not that", name)
	}
	if r.share(d) {
		return false, nil
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return false, err
	}
	_, err = r.Add(content)
	return false, err
}

// until reads until the context ends.
type until struct {
	ctx context.Context
	io.Reader
}

func (u until) Read(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.Reader.Read(p)
}

// share gives the repository content that another has, and that was proven to be at hand
// here as well. It is new to the sweep, which may be about to remove it.
func (r Repository) share(d digest) bool {
	now := time.Now()
	if os.Chtimes(r.q.blobPath(d), now, now) != nil || r.q.mark(d) != nil {
		return false
	}
	if _, err := os.Stat(r.q.blobPath(d)); err != nil {
		_ = os.Remove(r.q.markPath(d)) // the sweep was first
		return false
	}
	return true
}

func (d digest) inLayout() string { return "blobs/" + d.alg + "/" + d.hex }

// open opens a plain file of a layout. It never waits, as for the other end of a pipe.
func open(layout *os.Root, name string) (*os.File, error) {
	f, err := layout.OpenFile(name, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if errors.Is(err, os.ErrNotExist) {
		return nil, refuse(0, "BLOB_UNKNOWN", "%s is missing", name)
	}
	if err != nil {
		return nil, refuse(0, "BLOB_UNKNOWN", "%s cannot be read: %v", name, err)
	}
	if st, err := f.Stat(); err != nil || !st.Mode().IsRegular() {
		f.Close()
		return nil, refuse(0, "BLOB_UNKNOWN", "%s is not a file", name)
	}
	return f, nil
}

func small(layout *os.Root, name string, most int64) ([]byte, error) {
	f, err := open(layout, name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(text)) > most {
		err = refuse(0, "SIZE_INVALID", "%s has more than %d bytes", name, most)
	}
	return text, err
}
