package toolchain

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/kigo-dev/kigo/buildpack"
)

// Shelf is where a build finds toolchains. Platform is what a build on Kigo sees;
// a buildpack that runs elsewhere has no store and keeps toolchains in its cache.
type Shelf struct {
	Store    string // read-only, shared by all builds
	Wishes   string // where a build asks for what is not in the store
	Refusals string // why a wish was not granted
	Cache    string // fallback: CACHE_DIR
}

// Platform is the shelf of a build.
func Platform(cacheDir string) Shelf {
	s := Shelf{Store: buildpack.Toolchains, Wishes: buildpack.Wishes, Refusals: buildpack.Refusals, Cache: cacheDir}
	if dir := os.Getenv("KIGO_TOOLCHAINS"); dir != "" { // a store without a host that grants wishes
		s.Store, s.Wishes = dir, ""
	}
	return s
}

// patience is how long the host may take to grant a wish.
const patience = 5 * time.Minute

// Need returns the folder of a tool, waiting for the host to fetch it or fetching
// it where no host will. Say is called before a wait.
func (s Shelf) Need(ctx context.Context, t Tool, say func()) (string, error) {
	for _, dir := range []string{filepath.Join(s.Store, t.Name()), filepath.Join(s.Cache, "toolchains", t.Name())} {
		if isDir(dir) {
			if s.Wishes != "" {
				_ = os.WriteFile(filepath.Join(s.Wishes, t.Name()), nil, 0o644) // so that the host knows that it is used
			}
			return dir, nil
		}
	}
	say()
	if s.Wishes == "" || !isDir(s.Wishes) || !isDir(s.Store) {
		return s.own(ctx, t)
	}
	return s.wish(ctx, t)
}

// Have lists the versions of a kind that need no fetching.
func (s Shelf) Have(kind string) []string {
	var versions []string
	for _, dir := range []string{s.Store, filepath.Join(s.Cache, "toolchains")} {
		entries, err := os.ReadDir(dir)
		if err != nil {
			continue
		}
		for _, e := range entries {
			if t, err := ParseName(e.Name()); err == nil && t.Kind == kind {
				versions = append(versions, t.Version)
			}
		}
	}
	return versions
}

// own fetches into the app's cache.
func (s Shelf) own(ctx context.Context, t Tool) (string, error) {
	dir := filepath.Join(s.Cache, "toolchains", t.Name())
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return "", err
	}
	tmp, err := os.MkdirTemp(filepath.Dir(dir), ".fetch-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(tmp)
	if _, err := Fetch(ctx, t, tmp); err != nil {
		return "", err
	}
	return dir, os.Rename(tmp, dir)
}

// wish leaves a file that the host watches for and waits for one of two answers.
func (s Shelf) wish(ctx context.Context, t Tool) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	wish := filepath.Join(s.Wishes, t.Name())
	if err := os.WriteFile(wish, nil, 0o644); err != nil {
		return "", fmt.Errorf("ask for toolchain %s: %w", t.Name(), err)
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if dir := filepath.Join(s.Store, t.Name()); isDir(dir) {
			return dir, nil
		}
		if why, err := os.ReadFile(filepath.Join(s.Refusals, t.Name())); err == nil {
			return "", errors.New(strings.TrimSpace(string(why)))
		}
		select {
		case <-ctx.Done():
			return "", fmt.Errorf("wait for toolchain %s: %w", t.Name(), ctx.Err())
		case <-tick.C:
		}
	}
}

func isDir(p string) bool {
	st, err := os.Stat(p)
	return err == nil && st.IsDir()
}
