package slug

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
)

// each calls f for each entry of a layer.
func (l *layers) each(layer int, f func(nth int, r io.Reader) error) error {
	r, done, err := l.open(layer)
	if err != nil {
		return err
	}
	defer done()
	for nth := 0; ; nth++ {
		if _, err := r.Next(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return refuse("Layer %d of the image is damaged: %v.", layer+1, err)
		}
		if err := f(nth, r); err != nil {
			return err
		}
	}
}

// Needed are the files and folders that dynos have something mounted over.
var (
	neededFolders = []string{"app", "tmp", "proc", "dev", "sys", "run", "var/tmp"}
	neededFiles   = []string{
		"sys/fs/cgroup/memory/memory.limit_in_bytes", "etc/hosts", "etc/hostname", "etc/resolv.conf",
		"etc/ssl/certs/ca-certificates.crt", "etc/bash.bashrc",
	}
)

// furnish makes sure that what is mounted over is there, and is what it is taken for.
func (l *layers) furnish() error {
	for _, name := range neededFolders {
		if dir, base := path.Split(name); name != "app" {
			at, err := l.find(dir)
			if err != nil {
				return err
			}
			if e := at.children[base]; e == nil || !e.mode.IsDir() && e.mode&fs.ModeSymlink == 0 {
				at.children[base] = newFolder(0o755)
			}
			if name == "tmp" || name == "var/tmp" {
				if e := at.children[base]; e.mode.IsDir() {
					e.mode = fs.ModeDir | fs.ModeSticky | 0o777
				}
			}
		}
	}
	for _, top := range []string{"proc", "dev", "sys", "tmp", "etc"} {
		if e := l.root.children[top]; e != nil && !e.mode.IsDir() {
			return refuse("The image's /%s is not a folder.", top)
		}
	}
	for _, name := range neededFiles {
		dir, base := path.Split(name)
		at, err := l.find(dir)
		if err != nil {
			return err
		}
		if e := at.children[base]; e == nil || e.content == nil {
			at.children[base] = &entry{mode: 0o644, content: &content{layer: -1}}
		}
	}
	app := l.root.children["app"]
	if app == nil {
		app = newFolder(0o755)
		l.root.children["app"] = app
	}
	if !app.mode.IsDir() {
		return refuse("The image's /app is not a folder: a dyno's writable files are there.")
	}
	return nil
}

func sortedNames(e *entry) []string {
	names := make([]string, 0, len(e.children))
	for name := range e.children {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// errNoLayers is the error for an image without anything in it.
var errNoLayers = fmt.Errorf("no layers were given")
