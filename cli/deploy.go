package cli

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/kigo-dev/kigo/client"
)

// deploy builds and releases the files of a folder without a commit.
func deploy(c *call) error {
	dir := c.arg(0)
	if dir == "" {
		dir = "."
	}
	if st, err := os.Stat(dir); err != nil || !st.IsDir() {
		return usage(2, "%s is not a folder.", dir)
	}
	names, err := c.sourceFiles(dir)
	if err != nil {
		return err
	}
	if len(names) == 0 {
		return usage(1, "%s has no files to deploy.", dir)
	}
	return c.buildUpload(c.str("version"), func(w io.Writer) error { return writeSource(w, dir, names) })
}

// buildsCreate builds a folder, a tarball or what a URL answers.
func buildsCreate(c *call) error {
	switch file, url := c.str("source-tar"), c.str("source-url"); {
	case url != "":
		return c.startBuild(client.NewSourceBlob{URL: url, Version: c.str("version")})
	case file != "":
		return c.buildUpload(c.str("version"), func(w io.Writer) error {
			f, err := os.Open(file)
			if err != nil {
				return err
			}
			defer f.Close()
			_, err = io.Copy(w, f)
			return err
		})
	}
	return deploy(c)
}

// sourceFiles lists what git would commit, where there is a repository, and else
// everything.
func (c *call) sourceFiles(dir string) (names []string, err error) {
	cmd := exec.CommandContext(c, "git", "-C", dir, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	if out, err := cmd.Output(); err == nil {
		for name := range bytes.SplitSeq(out, []byte{0}) {
			if len(name) > 0 {
				names = append(names, string(name))
			}
		}
		slices.Sort(names)
		return slices.Compact(names), nil // a file in conflict is listed thrice
	}
	err = fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && d.Name() == ".git":
			return fs.SkipDir
		case !d.IsDir():
			names = append(names, name)
		}
		return nil
	})
	return names, err
}

// writeSource writes files as a gzipped tar archive. Those that are gone, which
// git may still know, are left out.
func writeSource(w io.Writer, dir string, names []string) error {
	gz := gzip.NewWriter(w)
	out := tar.NewWriter(gz)
	for _, name := range names {
		if err := addFile(out, dir, name); err != nil {
			return fmt.Errorf("pack %s: %w", name, err)
		}
	}
	if err := out.Close(); err != nil {
		return err
	}
	return gz.Close()
}

func addFile(out *tar.Writer, dir, name string) error {
	path := filepath.Join(dir, filepath.FromSlash(name))
	info, err := os.Lstat(path)
	if os.IsNotExist(err) || err == nil && !info.Mode().IsRegular() && info.Mode()&fs.ModeSymlink == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	link := ""
	if info.Mode()&fs.ModeSymlink != 0 {
		if link, err = os.Readlink(path); err != nil {
			return err
		}
	}
	h, err := tar.FileInfoHeader(info, link)
	if err != nil {
		return err
	}
	h.Name, h.Uid, h.Gid, h.Uname, h.Gname = name, 0, 0, "", ""
	if err := out.WriteHeader(h); err != nil || link != "" {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(out, f)
	return err
}

// buildUpload uploads a source and builds it.
func (c *call) buildUpload(version string, write func(io.Writer) error) error {
	source, err := c.uploadSource(write)
	if err != nil {
		return err
	}
	source.Version = version
	return c.startBuild(source)
}

// uploadSource puts a gzipped tar archive where builds can start from it.
func (c *call) uploadSource(write func(io.Writer) error) (s client.NewSourceBlob, err error) {
	tmp, err := os.CreateTemp("", "kigo-source-")
	if err != nil {
		return s, fmt.Errorf("pack source: %w", err)
	}
	defer os.Remove(tmp.Name())
	defer tmp.Close()
	sum := sha256.New()
	c.begin("Packing source")
	if err := write(io.MultiWriter(tmp, sum)); err != nil {
		return s, err
	}
	c.done("done")
	size, err := tmp.Seek(0, io.SeekCurrent)
	if err == nil {
		_, err = tmp.Seek(0, io.SeekStart)
	}
	if err != nil {
		return s, fmt.Errorf("pack source: %w", err)
	}
	source, err := c.api.CreateSource(c)
	if err != nil {
		return s, err
	}
	c.begin("Uploading source (%.1f MB)", float64(size)/1e6)
	if err := c.api.Upload(c, source.SourceBlob.PutURL, tmp, size); err != nil {
		return s, err
	}
	c.done("done")
	return client.NewSourceBlob{URL: source.SourceBlob.GetURL, Checksum: "SHA256:" + hex.EncodeToString(sum.Sum(nil))}, nil
}

// startBuild starts a build and follows it to its end, and its release's.
func (c *call) startBuild(source client.NewSourceBlob) error {
	b, err := c.api.CreateBuild(c, c.app, client.NewBuild{SourceBlob: source})
	if err != nil {
		return err
	}
	if err := c.follow(b.OutputStreamURL); err != nil {
		return err
	}
	for b.Status == "pending" {
		if b, err = c.api.Build(c, c.app, b.ID); err != nil {
			return err
		}
		if err := pause(c, 200*time.Millisecond); err != nil {
			return err
		}
	}
	if b.Status != "succeeded" || b.Release == nil {
		return usage(1, "Build %s %s.", b.ID, b.Status)
	}
	return c.followRelease(b.Release.ID)
}

// followRelease shows the release command of a build's release.
func (c *call) followRelease(id string) error {
	r, err := c.api.Release(c, c.app, id)
	if err != nil || r.OutputStreamURL == nil {
		return err
	}
	c.println("Running release command...")
	if err := c.follow(*r.OutputStreamURL); err != nil {
		return err
	}
	for r.Status == "pending" {
		if r, err = c.api.Release(c, c.app, id); err != nil {
			return err
		}
		if err := pause(c, 200*time.Millisecond); err != nil {
			return err
		}
	}
	if r.Status != "succeeded" {
		return usage(1, "Release command failed: v%d is not running.", r.Version)
	}
	return nil
}

// follow copies an output stream, which may not have begun.
func (c *call) follow(url string) error {
	const patience = 15 * time.Minute // builds wait for their turn
	for end := time.Now().Add(patience); ; {
		err := c.api.StreamOutput(c, c.out, url)
		if !client.IsNotFound(err) || time.Now().After(end) {
			return err
		}
		if err := pause(c, time.Second); err != nil {
			return err
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// cutURN is how buildpacks are shown.
func cutURN(url string) string { return strings.TrimPrefix(url, "urn:buildpack:") }
