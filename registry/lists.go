package registry

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/kigo-dev/kigo/internal/atomicfile"
)

// names lists a folder, which may not be there.
func names(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var all []string
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), atomicfile.Prefix) {
			all = append(all, e.Name())
		}
	}
	return all, err
}

func (q *request) allTags() ([]string, error) { return names(filepath.Join(q.repo, "tags")) }

// tags lists the repository's tags, in pages of n after last.
func (q *request) tags() error {
	if q.rest != "list" || q.r.Method != http.MethodGet {
		return q.unsupported()
	}
	all, err := q.allTags()
	if err != nil {
		return err
	}
	if _, err := os.Stat(q.repo); errors.Is(err, fs.ErrNotExist) {
		return refuse(http.StatusNotFound, "NAME_UNKNOWN", "nothing was pushed to %s yet", q.name)
	}
	slices.Sort(all)
	ask := q.r.URL.Query()
	if last := ask.Get("last"); last != "" {
		all = slices.DeleteFunc(all, func(tag string) bool { return tag <= last })
	}
	if text := ask.Get("n"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return refuse(http.StatusBadRequest, "UNSUPPORTED", "n is %.50q: write how many tags there shall be", text)
		}
		if n < len(all) {
			all = all[:n]
			if n > 0 {
				q.w.Header().Set("Link", fmt.Sprintf(`</v2/%s/tags/list?n=%d&last=%s>; rel="next"`, q.name, n, all[n-1]))
			}
		}
	}
	return reply(q.w, http.StatusOK, map[string]any{"name": q.name, "tags": append([]string{}, all...)})
}

// referrers lists the manifests whose subject is a digest.
func (q *request) referrers() error {
	if q.r.Method != http.MethodGet {
		return q.unsupported()
	}
	subject, err := parseDigest(q.rest)
	if err != nil {
		return err
	}
	files, err := names(filepath.Join(q.repo, "manifests"))
	if err != nil {
		return err
	}
	want := q.r.URL.Query().Get("artifactType")
	found := []Descriptor{}
	for _, file := range files {
		d, ok := digestOfFile(file)
		if !ok {
			continue
		}
		mediaType, content, err := q.stored(d)
		var m Manifest
		if err != nil || json.Unmarshal(content, &m) != nil || m.Subject == nil || m.Subject.Digest != subject.String() {
			continue
		}
		kind := m.ArtifactType
		if kind == "" && m.Config != nil {
			kind = m.Config.MediaType
		}
		if want == "" || want == kind {
			found = append(found, Descriptor{MediaType: mediaType, Digest: d.String(), Size: int64(len(content)), Annotations: m.Annotations, ArtifactType: kind})
		}
	}
	if want != "" {
		q.w.Header().Set("OCI-Filters-Applied", "artifactType")
	}
	q.w.Header().Set("Content-Type", typeIndex)
	return reply(q.w, http.StatusOK, map[string]any{"schemaVersion": 2, "mediaType": typeIndex, "manifests": found})
}
