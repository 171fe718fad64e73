package registry

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/google/uuid"

	"github.com/kigo-dev/kigo/internal/atomicfile"
)

// upload is everything below blobs/uploads/.
func (q *request) upload() error {
	if q.rest == "" {
		if q.r.Method != http.MethodPost {
			return q.unsupported()
		}
		return q.begin()
	}
	if _, err := uuid.Parse(q.rest); err != nil {
		return q.noUpload()
	}
	if _, err := os.Stat(q.uploadPath()); errors.Is(err, fs.ErrNotExist) {
		return q.noUpload() // and nothing is kept for it
	}
	lock, _ := q.uploads.LoadOrStore(q.rest, &sync.Mutex{})
	if !lock.(*sync.Mutex).TryLock() {
		return refuse(http.StatusConflict, "BLOB_UPLOAD_INVALID", "another request writes to this upload")
	}
	defer lock.(*sync.Mutex).Unlock()
	f, err := os.OpenFile(q.uploadPath(), os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return q.noUpload()
	}
	if err != nil {
		return err
	}
	defer f.Close()
	switch q.r.Method {
	case http.MethodGet:
		st, err := f.Stat()
		if err != nil {
			return err
		}
		return q.progress(http.StatusNoContent, st.Size())
	case http.MethodPatch:
		return q.chunk(f)
	case http.MethodPut:
		return q.finish(f)
	case http.MethodDelete:
		if err := os.Remove(q.uploadPath()); err != nil {
			return err
		}
		q.w.WriteHeader(http.StatusNoContent)
		return nil
	}
	return q.unsupported()
}

// uploadPath is of the upload and its repository: no other can go on with it.
func (q *request) uploadPath() string {
	return filepath.Join(q.Dir, "uploads", digestOfBytes("sha256", []byte(q.repo)).hex[:16]+"-"+q.rest)
}

func (q *request) noUpload() error {
	return refuse(http.StatusNotFound, "BLOB_UPLOAD_UNKNOWN", "there is no such upload: begin a new one")
}

// begin starts an upload, or does without one: the blob is mounted from another
// repository, or is the body of this request.
func (q *request) begin() error {
	ask := q.r.URL.Query()
	if ask.Has("mount") {
		done, err := q.mount(ask.Get("mount"), ask.Get("from"))
		if done || err != nil {
			return err
		}
	}
	if err := q.room(); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(q.Dir, "uploads"), 0o700); err != nil {
		return err
	}
	q.rest = uuid.NewString()
	f, err := os.OpenFile(q.uploadPath(), os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	if ask.Has("digest") {
		return q.finish(f)
	}
	if alg := ask.Get("digest-algorithm"); alg != "" && alg != "sha256" && alg != "sha512" {
		os.Remove(f.Name())
		return refuse(http.StatusBadRequest, "DIGEST_INVALID", "%.50q is not a digest algorithm that is known here: use sha256 or sha512", alg)
	}
	return q.progress(http.StatusAccepted, 0)
}

// mount takes a blob over from another repository that the client may read.
func (q *request) mount(sum, from string) (bool, error) {
	d, err := parseDigest(sum)
	if err != nil {
		return false, err
	}
	if from == "" || !nameRule.MatchString(from) {
		return false, nil
	}
	key, denied := q.Access(q.r, from, false)
	if denied != nil {
		return false, nil //nolint:nilerr // as if it did not have it
	}
	other := &request{Registry: q.Registry, repo: filepath.Join(q.Dir, "repos", key)}
	if !other.has(d) || !(Repository{q}).share(d) {
		return false, nil
	}
	return true, q.created("blobs", d)
}

// chunk appends the body, which must begin where the upload ends.
func (q *request) chunk(f *os.File) error {
	if err := q.checkRange(f); err != nil {
		return err
	}
	size, err := q.append(f)
	if err != nil {
		return err
	}
	return q.progress(http.StatusAccepted, size)
}

func (q *request) checkRange(f *os.File) error {
	st, err := f.Stat()
	if err != nil {
		return err
	}
	r := q.r.Header.Get("Content-Range")
	if r == "" {
		return nil
	}
	from, to, ok := strings.Cut(strings.TrimPrefix(r, "bytes "), "-")
	first, err1 := strconv.ParseInt(from, 10, 64)
	last, err2 := strconv.ParseInt(to, 10, 64)
	if !ok || err1 != nil || err2 != nil || first != st.Size() || last < first-1 || q.r.ContentLength >= 0 && last-first+1 != q.r.ContentLength {
		q.where(st.Size())
		return refuse(http.StatusRequestedRangeNotSatisfiable, "BLOB_UPLOAD_INVALID", "the upload has %d bytes: the next chunk must begin there", st.Size())
	}
	return nil
}

// room refuses what would take the disk that the platform keeps for itself.
func (q *request) room() error {
	if q.Room == nil {
		return nil
	}
	if err := q.Room(); err != nil {
		return refuse(http.StatusInsufficientStorage, "DENIED", "%s", err)
	}
	return nil
}

// append writes the body at the end. Of a body that is cut short nothing stays.
func (q *request) append(f *os.File) (int64, error) {
	if q.r.ContentLength != 0 {
		if err := q.room(); err != nil {
			return 0, err
		}
	}
	begin, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return 0, err
	}
	n, err := io.Copy(f, http.MaxBytesReader(q.w, q.r.Body, MaxBlob-begin))
	if err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			err = refuse(http.StatusRequestEntityTooLarge, "SIZE_INVALID", "a blob may have %d bytes at most", int64(MaxBlob))
		} else {
			err = refuse(http.StatusBadRequest, "BLOB_UPLOAD_INVALID", "the body ended early")
		}
		return 0, errors.Join(err, f.Truncate(begin))
	}
	return begin + n, nil
}

// finish takes the last bytes, checks the digest and gives the blob its name.
func (q *request) finish(f *os.File) error {
	d, err := parseDigest(q.r.URL.Query().Get("digest"))
	if err != nil {
		return err
	}
	if err := q.checkRange(f); err != nil {
		return err
	}
	if _, err := q.append(f); err != nil {
		return err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	h := d.hash()
	if _, err := io.Copy(h, f); err != nil {
		return fmt.Errorf("read upload: %w", err)
	}
	if !d.matches(h) {
		os.Remove(f.Name())
		return refuse(http.StatusBadRequest, "DIGEST_INVALID", "the content is not that of %s", d)
	}
	if err := q.adopt(f, d); err != nil {
		return err
	}
	q.uploads.Delete(q.rest)
	if err := q.mark(d); err != nil {
		return err
	}
	return q.created("blobs", d)
}

func (q *request) adopt(f *os.File, d digest) error {
	if err := os.MkdirAll(filepath.Join(q.Dir, "blobs"), 0o700); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("keep blob: %w", err)
	}
	return atomicfile.Rename(f.Name(), q.blobPath(d))
}

func (q *request) where(size int64) {
	q.w.Header().Set("Location", "/v2/"+q.name+"/blobs/uploads/"+q.rest)
	q.w.Header().Set("Docker-Upload-Uuid", q.rest)
	q.w.Header().Set("Range", fmt.Sprintf("0-%d", max(size-1, 0)))
}

func (q *request) progress(status int, size int64) error {
	q.where(size)
	q.w.WriteHeader(status)
	return nil
}

func (q *request) created(kind string, d digest) error {
	q.w.Header().Set("Location", "/v2/"+q.name+"/"+kind+"/"+d.String())
	q.w.Header().Set("Docker-Content-Digest", d.String())
	q.w.WriteHeader(http.StatusCreated)
	return nil
}
