package registry

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// maxConfig bounds the config of an image.
const maxConfig = 1 << 20

// Image is an image of a repository: its config, and the files of its layers, the
// lowest first.
type Image struct {
	Config []byte
	Layers []string
}

// Image finds an image by its id, which is the digest of its config, or by the
// digest of its manifest, or of an index that has one for this machine. An *Error says what is wrong with it.
func (g *Registry) Image(key, id string) (Image, error) {
	d, err := parseDigest(id)
	if err != nil {
		return Image{}, err
	}
	q := &request{Registry: g, name: "of the app", repo: filepath.Join(g.Dir, "repos", key)}
	files, err := names(filepath.Join(q.repo, "manifests"))
	if err != nil {
		return Image{}, err
	}
	for _, file := range files {
		sum, ok := digestOfFile(file)
		if !ok {
			continue
		}
		mediaType, content, err := q.stored(sum)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return Image{}, err
		}
		var m Manifest
		if json.Unmarshal(content, &m) != nil {
			continue
		}
		if sum == d && m.Config == nil {
			if own, ok := forThisMachine(content); ok {
				if m, err := q.manifest(own); err == nil && m.Config != nil {
					return q.image(m)
				}
			}
			return Image{}, refuse(http.StatusBadRequest, "MANIFEST_INVALID", "it is an index of several images (%s), none of which is here for linux/%[2]s: push one for linux/%[2]s alone, with --platform", mediaType, runtime.GOARCH)
		}
		if m.Config != nil && (sum == d || m.Config.Digest == d.String()) {
			return q.image(m)
		}
	}
	return Image{}, refuse(http.StatusNotFound, "MANIFEST_UNKNOWN", "it was not pushed here")
}

// maxLayers is what an image may have at most, as when it is flattened.
const maxLayers = 200

func (q *request) image(m Manifest) (Image, error) {
	var out Image
	d, err := parseDigest(m.Config.Digest)
	if err != nil {
		return out, err
	}
	st, err := os.Stat(q.blobPath(d))
	if err != nil || !q.has(d) {
		return out, refuse(http.StatusNotFound, "BLOB_UNKNOWN", "its config is not there any more: push it again")
	}
	if st.Size() > maxConfig {
		return out, refuse(http.StatusBadRequest, "SIZE_INVALID", "its config has %d bytes, %d are the most", st.Size(), maxConfig)
	}
	if out.Config, err = os.ReadFile(q.blobPath(d)); err != nil {
		return out, fmt.Errorf("read image's config: %w", err)
	}
	if len(m.Layers) == 0 {
		return out, refuse(http.StatusBadRequest, "MANIFEST_INVALID", "it has no layers")
	}
	if len(m.Layers) > maxLayers {
		return out, refuse(http.StatusBadRequest, "MANIFEST_INVALID", "it has %d layers, %d are the most", len(m.Layers), maxLayers)
	}
	for _, l := range m.Layers {
		if !strings.Contains(l.MediaType, "tar") && !strings.Contains(l.MediaType, "layer") {
			return out, refuse(http.StatusBadRequest, "MANIFEST_INVALID", "it has a layer of the type %.100q, which is no archive of files", l.MediaType)
		}
		d, err := parseDigest(l.Digest)
		if err != nil {
			return out, err
		}
		if !q.has(d) {
			return out, refuse(http.StatusNotFound, "BLOB_UNKNOWN", "its layer %s is not there: push it again", d)
		}
		out.Layers = append(out.Layers, q.blobPath(d))
	}
	return out, nil
}
