package registry

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// Media types of manifests.
const (
	typeManifest       = "application/vnd.oci.image.manifest.v1+json"
	typeIndex          = "application/vnd.oci.image.index.v1+json"
	typeDockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
	typeDockerList     = "application/vnd.docker.distribution.manifest.list.v2+json"
)

// Descriptor names content from within a manifest.
type Descriptor struct {
	MediaType    string            `json:"mediaType"`
	Digest       string            `json:"digest"`
	Size         int64             `json:"size"`
	Annotations  map[string]string `json:"annotations,omitempty"`
	ArtifactType string            `json:"artifactType,omitempty"`
}

// Manifest is what of a manifest or an index matters here.
type Manifest struct {
	SchemaVersion int               `json:"schemaVersion"`
	MediaType     string            `json:"mediaType"`
	ArtifactType  string            `json:"artifactType"`
	Config        *Descriptor       `json:"config"`
	Layers        []Descriptor      `json:"layers"`
	Manifests     []Descriptor      `json:"manifests"`
	Subject       *Descriptor       `json:"subject"`
	Annotations   map[string]string `json:"annotations"`
}

// madeHere follows the media type of a manifest that the platform itself put there. One
// that was pushed, be it only as well, stays until who pushed it deletes it.
const madeHere = " made"

// stored is a manifest as it lies in its file: the media type, a line end, the bytes.
func (q *request) stored(d digest) (mediaType string, content []byte, err error) {
	b, err := os.ReadFile(q.manifestPath(d))
	if err != nil {
		return "", nil, err
	}
	mediaType, rest, _ := strings.Cut(string(b), "\n")
	return strings.TrimSuffix(mediaType, madeHere), []byte(rest), nil
}

// manifest is what a manifest says.
func (q *request) manifest(d digest) (m Manifest, err error) {
	_, content, err := q.stored(d)
	if err != nil {
		return m, err
	}
	return m, json.Unmarshal(content, &m)
}

func (q *request) manifestPath(d digest) string { return filepath.Join(q.repo, "manifests", d.file()) }

// keep stores a manifest whose content is there.
func (q *request) keep(d digest, about string, content []byte) error {
	return write(q.manifestPath(d), append([]byte(about+"\n"), content...))
}

// resolve turns a tag or a digest into the digest of a manifest that is there.
func (q *request) resolve(reference string) (digest, error) {
	unknown := refuse(http.StatusNotFound, "MANIFEST_UNKNOWN", "the repository %s has no manifest %.150q", q.name, reference)
	if strings.Contains(reference, ":") {
		d, err := parseDigest(reference)
		if err != nil {
			return d, err
		}
		if _, err := os.Stat(q.manifestPath(d)); err != nil {
			return d, unknown
		}
		return d, nil
	}
	if !tagRule.MatchString(reference) {
		return digest{}, refuse(http.StatusNotFound, "MANIFEST_UNKNOWN", "%.150q is neither a tag nor a digest", reference)
	}
	b, err := os.ReadFile(filepath.Join(q.repo, "tags", reference))
	if err != nil {
		return digest{}, unknown
	}
	return parseDigest(string(b))
}

func (q *request) manifests() error {
	switch q.r.Method {
	case http.MethodPut:
		return q.putManifest()
	case http.MethodDelete:
		return q.deleteManifest()
	case http.MethodGet, http.MethodHead:
	default:
		return q.unsupported()
	}
	d, err := q.resolve(q.rest)
	if err != nil {
		return err
	}
	mediaType, content, err := q.stored(d)
	if (mediaType == typeIndex || mediaType == typeDockerList) && !strings.Contains(q.rest, ":") && !q.knowsIndexes() {
		if own, ok := forThisMachine(content); ok {
			d = own
			mediaType, content, err = q.stored(d)
		}
	}
	if err != nil {
		return refuse(http.StatusNotFound, "MANIFEST_UNKNOWN", "the repository %s has no manifest %s any more", q.name, d)
	}
	h := q.w.Header()
	h.Set("Content-Type", mediaType)
	h.Set("Content-Length", strconv.Itoa(len(content)))
	h.Set("Docker-Content-Digest", d.String())
	h.Set("ETag", `"`+d.String()+`"`)
	q.w.WriteHeader(http.StatusOK)
	if q.r.Method == http.MethodGet {
		_, _ = q.w.Write(content)
	}
	return nil
}

// knowsIndexes reports whether the client takes an index of images for an answer.
func (q *request) knowsIndexes() bool {
	accept := strings.Join(q.r.Header["Accept"], ",")
	return accept == "" || strings.Contains(accept, "*/*") || strings.Contains(accept, typeIndex) || strings.Contains(accept, typeDockerList)
}

// forThisMachine finds the image of an index that this machine runs. docker pushes an index
// even of a single image, next to which it has a description of how that was built.
func forThisMachine(index []byte) (digest, bool) {
	var m struct {
		Manifests []struct {
			Digest   string `json:"digest"`
			Platform struct {
				OS           string `json:"os"`
				Architecture string `json:"architecture"`
			} `json:"platform"`
		} `json:"manifests"`
	}
	if json.Unmarshal(index, &m) != nil {
		return digest{}, false
	}
	for _, image := range m.Manifests {
		if image.Platform.OS == "linux" && image.Platform.Architecture == runtime.GOARCH {
			d, err := parseDigest(image.Digest)
			return d, err == nil
		}
	}
	return digest{}, false
}

func (q *request) putManifest() error {
	content, err := io.ReadAll(http.MaxBytesReader(q.w, q.r.Body, MaxManifest))
	if err != nil {
		return refuse(http.StatusRequestEntityTooLarge, "SIZE_INVALID", "a manifest may have %d bytes at most", MaxManifest)
	}
	tags := q.r.URL.Query()["tag"]
	d := digestOfBytes("sha256", content)
	if strings.Contains(q.rest, ":") {
		if d, err = parseDigest(q.rest); err != nil {
			return err
		}
		if digestOfBytes(d.alg, content) != d {
			return refuse(http.StatusBadRequest, "DIGEST_INVALID", "the manifest is not that of %s", d)
		}
	} else {
		tags = []string{q.rest}
	}
	for _, tag := range tags {
		if !tagRule.MatchString(tag) {
			return refuse(http.StatusBadRequest, "MANIFEST_INVALID", "%.150q is not a tag: use up to 128 letters, digits, dots, dashes and underscores", tag)
		}
	}
	q.keeping.Lock()
	defer q.keeping.Unlock()
	m, mediaType, err := q.check(content, q.r.Header.Get("Content-Type"))
	if err != nil {
		return err
	}
	if err := q.keep(d, mediaType, content); err != nil {
		return err
	}
	for _, tag := range tags {
		if err := write(filepath.Join(q.repo, "tags", tag), []byte(d.String())); err != nil {
			return err
		}
		q.w.Header().Add("OCI-Tag", tag)
	}
	if m.Subject != nil {
		q.w.Header().Set("OCI-Subject", m.Subject.Digest)
	}
	return q.created("manifests", d)
}

// check refuses a manifest that no client could use: not JSON, of a kind that is
// not known, or with content that the repository does not have.
func (q *request) check(content []byte, contentType string) (m Manifest, mediaType string, err error) {
	bad := func(message string, args ...any) error {
		return refuse(http.StatusBadRequest, "MANIFEST_INVALID", message, args...)
	}
	if err := json.Unmarshal(content, &m); err != nil {
		return m, "", bad("the manifest is not one: %v", err)
	}
	mediaType, _, _ = strings.Cut(contentType, ";")
	if mediaType = strings.TrimSpace(mediaType); mediaType == "" {
		mediaType = m.MediaType
	}
	if m.MediaType != "" && m.MediaType != mediaType {
		return m, "", bad("the manifest says that it is %.100q, the request that it is %.100q", m.MediaType, mediaType)
	}
	if m.SchemaVersion != 2 {
		return m, "", bad("the manifest has schemaVersion %d: only 2 is known", m.SchemaVersion)
	}
	switch mediaType {
	case typeManifest, typeDockerManifest:
		if m.Config == nil {
			return m, "", bad("the manifest has no config")
		}
	case typeIndex, typeDockerList:
	default:
		return m, "", bad("manifests of the type %.100q are not known here", mediaType)
	}
	needed := m.Layers
	if m.Config != nil {
		needed = append([]Descriptor{*m.Config}, needed...)
	}
	for _, n := range append(slices.Clone(needed), m.Manifests...) {
		if _, err := parseDigest(n.Digest); err != nil {
			return m, "", err
		}
	}
	for _, n := range needed {
		d, _ := parseDigest(n.Digest)
		foreign := strings.Contains(n.MediaType, "nondistributable") || strings.Contains(n.MediaType, "foreign")
		if !foreign && !q.has(d) {
			return m, "", refuse(http.StatusNotFound, "MANIFEST_BLOB_UNKNOWN", "the manifest names %s, which was not pushed to %s", d, q.name)
		}
	}
	if m.Subject != nil {
		if _, err := parseDigest(m.Subject.Digest); err != nil {
			return m, "", err
		}
	}
	return m, mediaType, nil
}

func (q *request) deleteManifest() error {
	d, err := q.resolve(q.rest)
	if err != nil {
		return err
	}
	if !strings.Contains(q.rest, ":") {
		err = os.Remove(filepath.Join(q.repo, "tags", q.rest))
	} else {
		err = q.forget(d)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("delete manifest: %w", err)
	}
	q.w.WriteHeader(http.StatusAccepted)
	return nil
}

// forget removes a manifest and the tags that name it.
func (q *request) forget(d digest) error {
	tags, err := q.allTags()
	if err != nil {
		return err
	}
	for _, tag := range tags {
		path := filepath.Join(q.repo, "tags", tag)
		if b, err := os.ReadFile(path); err == nil && string(b) == d.String() {
			if err := os.Remove(path); err != nil {
				return err
			}
		}
	}
	return os.Remove(q.manifestPath(d))
}
