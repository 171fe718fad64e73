package api

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/blob"
	"github.com/kigo-dev/kigo/client"
)

// uploadTime is how long an upload address works, fetchTime how long what was
// uploaded can be fetched.
const (
	uploadTime = time.Hour
	fetchTime  = 24 * time.Hour
)

const sourcePrefix = "/sources/"

func sourceCreate(c *call) (reply, error) {
	key := "source-" + uuid.NewString()
	var out client.Source
	now := c.s.Now()
	out.SourceBlob.GetURL = c.s.sign(c.r, http.MethodGet, sourcePrefix+key, now.Add(fetchTime))
	out.SourceBlob.PutURL = c.s.sign(c.r, http.MethodPut, sourcePrefix+key, now.Add(uploadTime))
	return created(out), nil
}

func sourcePut(c *call) (reply, error) { return c.upload(c.param("key")) }

func sourceGet(c *call) (reply, error) { return c.download(c.param("key")) }

// source is what a build starts from: one of our own get addresses names a blob,
// any other https or http URL is fetched inside the sandbox.
func (s *Server) source(raw string) (kigo.Source, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return kigo.Source{}, kigo.Invalid("source_blob.url %.200q is not an http:// or https:// URL.", raw)
	}
	key, ours := strings.CutPrefix(u.Path, sourcePrefix)
	if !ours || !u.Query().Has("signature") {
		return kigo.Source{URL: raw}, nil
	}
	if !s.signedURL(u, http.MethodGet) {
		return kigo.Source{}, kigo.Invalid("source_blob.url has expired or was changed: create a new source and upload again.")
	}
	return kigo.Source{Blob: key, URL: raw}, nil
}

// upload stores the body of a signed PUT under key.
func (c *call) upload(key string) (reply, error) {
	if !c.s.signed(c.r, http.MethodPut) {
		return reply{}, badCapability()
	}
	if c.r.ContentLength > blob.MaxSize {
		return reply{}, newError(idTooLarge, fmt.Sprintf("The upload has %d bytes: the maximum is %d.", c.r.ContentLength, blob.MaxSize))
	}
	body := http.MaxBytesReader(c.w, c.r.Body, blob.MaxSize)
	_, err := c.s.Blobs.PutKey(c.ctx(), key, body)
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return reply{}, newError(idTooLarge, fmt.Sprintf("The upload is too large: the maximum is %d bytes.", blob.MaxSize))
	}
	return ok(empty), err
}

// download answers a signed GET with the blob of that key.
func (c *call) download(key string) (reply, error) {
	if !c.s.signed(c.r, http.MethodGet) {
		return reply{}, badCapability()
	}
	f, err := c.s.Blobs.Open(c.ctx(), key)
	if err != nil {
		return reply{}, err
	}
	defer f.Close()
	c.w.Header().Set("Content-Type", "application/octet-stream")
	if info, err := f.Stat(); err == nil {
		c.w.Header().Set("Content-Length", fmt.Sprint(info.Size()))
	}
	c.w.WriteHeader(http.StatusOK)
	if _, err := io.Copy(c.w, f); err != nil {
		panic(http.ErrAbortHandler) // the length that was told must not be met by an error's text
	}
	return reply{}, nil
}

// badCapability is the answer to a signature that is wrong or has expired.
func badCapability() error {
	return newError(kigo.IDForbidden, "This address has expired or was changed.")
}
