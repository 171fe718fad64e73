package api

import (
	"bytes"
	"context"
	"io"
	"strings"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/client"
	"github.com/kigo-dev/kigo/store"
)

func (c *call) serializeBuild(b kigo.Build) client.Build {
	out := client.Build{
		App:             client.IDRef{ID: string(b.App)},
		Buildpacks:      []client.Buildpack{},
		CreatedAt:       second(b.CreatedAt),
		Generation:      generation,
		ID:              string(b.ID),
		OutputStreamURL: c.streamURL(b.Output),
		Release:         idRef(b.Release),
		Slug:            idRef(b.Slug),
		SourceBlob: client.SourceBlob{
			Checksum:           optional(b.Source.Checksum),
			URL:                b.Source.URL,
			Version:            optional(b.Source.Version),
			VersionDescription: optional(b.Source.Description),
		},
		Stack:     b.Stack,
		Status:    string(b.Status),
		UpdatedAt: second(b.UpdatedAt),
		User:      userRef(b.User, b.UserEmail),
	}
	for _, p := range b.Buildpacks {
		if len(b.Resolved) == 0 {
			out.Buildpacks = append(out.Buildpacks, serializeBuildpack(p))
		}
	}
	for _, p := range b.Resolved {
		out.Buildpacks = append(out.Buildpacks, serializeResolved(p))
	}
	return out
}

func buildList(c *call) (reply, error) {
	var builds []kigo.Build
	err := c.view(func(tx *store.Tx) (err error) {
		builds, err = tx.Builds(c.app.ID)
		return err
	})
	if err != nil {
		return reply{}, err
	}
	created := func(b kigo.Build) time.Time { return b.CreatedAt }
	return page(c, builds, each(c.serializeBuild),
		timeKey("created_at", created),
		timeKey("started_at", created),
		textKey("id", func(b kigo.Build) string { return string(b.ID) }))
}

// build finds {build} of the path among the app's.
func (c *call) build() (b kigo.Build, err error) {
	err = c.view(func(tx *store.Tx) error {
		b, err = tx.Build(kigo.BuildID(c.param("build")))
		return err
	})
	if err == nil && b.App != c.app.ID {
		err = kigo.NotFound("build")
	}
	return b, err
}

func buildInfo(c *call) (reply, error) {
	b, err := c.build()
	return ok(c.serializeBuild(b)), err
}

func buildCreate(c *call) (reply, error) {
	var in struct {
		Buildpacks []struct {
			URL  string `json:"url"`
			Name string `json:"name"`
		} `json:"buildpacks"`
		SourceBlob *struct {
			URL                *string `json:"url"`
			Checksum           *string `json:"checksum"`
			Version            *string `json:"version"`
			VersionDescription *string `json:"version_description"`
		} `json:"source_blob"`
	}
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	blob := in.SourceBlob
	if blob == nil || blob.URL == nil || *blob.URL == "" {
		return reply{}, kigo.Invalid("source_blob.url is required: upload a source to the put_url of POST /sources and give its get_url.")
	}
	src, err := c.s.source(*blob.URL)
	if err != nil {
		return reply{}, err
	}
	src.Checksum, src.Version, src.Description = value(blob.Checksum), value(blob.Version), value(blob.VersionDescription)
	var packs []string
	for _, p := range in.Buildpacks {
		if p.URL == "" {
			p.URL = p.Name
		}
		packs = append(packs, p.URL)
	}
	b, err := ctrl(c).CreateBuild(c.ctx(), c.actor, c.app.ID, src, packs)
	return created(c.serializeBuild(b)), err
}

// value is what p points at, or the zero value.
func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

func buildCancel(c *call) (reply, error) {
	b, err := c.build()
	if err != nil {
		return reply{}, err
	}
	b, err = ctrl(c).CancelBuild(c.ctx(), c.actor, b.ID)
	return ok(c.serializeBuild(b)), err
}

func buildCachePurge(c *call) (reply, error) {
	if c.s.Cache != nil {
		if err := c.s.Cache.Purge(c.ctx(), c.app.ID); err != nil {
			return reply{}, err
		}
	}
	return ok(empty), nil
}

// maxResult bounds the output in a build's result, of which the end is told.
const maxResult = 1 << 20

// buildResult is a build with its output so far (Heroku's older way to see it).
func buildResult(c *call) (reply, error) {
	b, err := c.build()
	if err != nil {
		return reply{}, err
	}
	out := client.BuildResult{Lines: []client.BuildLine{}}
	out.Build.ID, out.Build.Status = string(b.ID), string(b.Status)
	switch b.Status {
	case kigo.BuildSucceeded:
		out.ExitCode = new(float64)
	case kigo.BuildFailed:
		code := 1.0
		out.ExitCode = &code
	}
	for line := range strings.Lines(c.outputSoFar(b)) {
		out.Lines = append(out.Lines, client.BuildLine{Line: line, Stream: "STDOUT"})
	}
	return ok(out), nil
}

// outputSoFar reads what a build has printed: all of it when it has ended, else
// what comes within a moment.
func (c *call) outputSoFar(b kigo.Build) string {
	ctx := c.ctx()
	if b.Status == kigo.BuildPending {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, 200*time.Millisecond)
		defer cancel()
	}
	return c.lastOf(ctx, b.Output)
}

// ended reads the end of a stream that has ended.
func (c *call) ended(key string) string { return c.lastOf(c.ctx(), key) }

// lastOf reads the last part of a stream, until its end or ctx's.
func (c *call) lastOf(ctx context.Context, key string) string {
	r, err := c.s.Output.Open(ctx, key)
	if err != nil {
		return "" // not begun yet
	}
	defer r.Close()
	var text bytes.Buffer
	if _, err := io.Copy(&tail{buf: &text, max: maxResult}, r); err != nil {
		return text.String() // it goes on: this is what there is now
	}
	return text.String()
}

// tail keeps the last max bytes that are written to it, or somewhat more.
type tail struct {
	buf *bytes.Buffer
	max int
}

func (t *tail) Write(p []byte) (int, error) {
	t.buf.Write(p)
	if t.buf.Len() > 2*t.max {
		t.buf.Next(t.buf.Len() - t.max)
	}
	return len(p), nil
}
