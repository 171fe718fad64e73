package server

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/klauspost/compress/zstd"

	"github.com/kigo-dev/kigo/registry"
	"github.com/kigo-dev/kigo/stack"
)

// The images of stacks are in the registry under the name that Heroku's have at Docker Hub.
const (
	stackRepository = "heroku/heroku"
	stackKey        = "stack_heroku" // no app's: those begin with a uuid
)

// baseTag is a tag of stackRepository: heroku-22 is 22, and 22-build with compilers.
type baseTag struct{ name, variant string }

func (n *node) baseTags() []baseTag {
	name := strings.TrimPrefix(n.cfg.Stack, "heroku-")
	return []baseTag{{name, stack.VariantRun}, {name + "-build", stack.VariantBuild}}
}

// stackDigest is the annotation that tells which image of a stack a manifest was made of.
const stackDigest = "dev.kigo.stack.digest"

// ensureBase makes the image of a stack that a request asks for the newest. That takes some
// seconds for one that is new.
func (n *node) ensureBase(r *http.Request) error {
	n.basesMade.Lock()
	defer n.basesMade.Unlock()
	for _, tag := range n.baseTags() {
		if !strings.HasSuffix(r.URL.Path, "/manifests/"+tag.name) {
			continue
		}
		if err := n.makeBase(tag); err != nil {
			n.log.Error("put stack into the registry", "tag", tag.name, "err", err)
			return fmt.Errorf("put stack into the registry: %w", err)
		}
	}
	return nil
}

func (n *node) makeBase(tag baseTag) error {
	image, path, err := n.stacks.Image(n.cfg.Stack, tag.variant)
	if err != nil {
		return err
	}
	repository := n.registry.Repository(stackKey)
	if m, err := repository.Manifest(tag.name); err == nil && m.Annotations[stackDigest] == image.Digest {
		return nil
	}
	layer, id, err := addLayer(repository, path)
	if err != nil {
		return err
	}
	config, err := json.Marshal(map[string]any{
		"os": "linux", "architecture": architecture, "rootfs": map[string]any{"type": "layers", "diff_ids": []string{id}},
		"config":  map[string]any{"Env": []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"}, "Cmd": []string{"/bin/bash"}},
		"history": []any{map[string]any{"created_by": "kigo stack build"}},
	})
	if err != nil {
		return err
	}
	about, err := repository.Add(bytes.NewReader(config))
	if err != nil {
		return err
	}
	about.MediaType, layer.MediaType = "application/vnd.oci.image.config.v1+json", "application/vnd.oci.image.layer.v1.tar+zstd"
	const kind = "application/vnd.oci.image.manifest.v1+json"
	manifest, err := json.Marshal(map[string]any{
		"schemaVersion": 2, "mediaType": kind, "config": about, "layers": []registry.Descriptor{layer}, "annotations": map[string]string{stackDigest: image.Digest},
	})
	if err != nil {
		return err
	}
	digest, err := repository.Put(kind, manifest)
	if err != nil {
		return err
	}
	return repository.Tag(tag.name, digest)
}

// addLayer stores a stack's files as a layer, and returns the digest of its archive too.
func addLayer(repository registry.Repository, path string) (layer registry.Descriptor, id string, err error) {
	file, err := os.Open(path)
	if err != nil {
		return layer, "", err
	}
	defer func() { _ = file.Close() }()
	r, w := io.Pipe()
	sum := sha256.New()
	go func() {
		z, err := zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedFastest))
		if err == nil {
			err = errors.Join(stack.Tar(file, io.MultiWriter(z, sum)), z.Close())
		}
		_ = w.CloseWithError(err)
	}()
	layer, err = repository.Add(r)
	_ = r.CloseWithError(io.ErrClosedPipe)
	return layer, "sha256:" + hex.EncodeToString(sum.Sum(nil)), err
}
