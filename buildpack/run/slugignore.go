package run

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"strings"
)

// ignore deletes what .slugignore names, before any buildpack runs.
func (r *Runner) ignore(context.Context) error {
	root, err := os.OpenRoot(r.Job.Layout.Build)
	if err != nil {
		return err
	}
	defer root.Close()
	text, err := root.ReadFile(".slugignore")
	if err != nil {
		return nil // there is none, or it is no file: nothing is ignored
	}
	patterns := ParseSlugIgnore(text)
	if len(patterns) == 0 {
		return nil
	}
	matches, err := Ignored(root.FS(), patterns)
	if err != nil {
		return err
	}
	r.out.Title("Deleting %d files matching .slugignore patterns.", len(matches))
	for _, name := range matches {
		if err := root.RemoveAll(name); err != nil {
			return err
		}
	}
	return nil
}

// ParseSlugIgnore reads patterns, one per line; what follows a # is a comment,
// and there is no "!". Patterns that cannot match anything are left out.
func ParseSlugIgnore(text []byte) []string {
	var patterns []string
	for line := range strings.SplitSeq(string(text), "\n") {
		line, _, _ = strings.Cut(line, "#")
		line = strings.TrimSpace(line)
		if line == "" || len(line) > 4096 {
			continue
		}
		if _, err := path.Match(line, ""); err != nil {
			continue
		}
		patterns = append(patterns, line)
	}
	return patterns
}

// Ignored lists the files and folders that the patterns match, a folder without
// what is in it. A pattern with a slash is anchored at the root, any other
// matches at every depth; ** stands for any number of folders and, as in a
// shell, a wildcard does not match a leading dot.
func Ignored(tree fs.FS, patterns []string) ([]string, error) {
	var split [][]string
	for _, p := range patterns {
		anchored := strings.Contains(p, "/")
		p = strings.Trim(path.Clean("/"+p), "/")
		if p == "" {
			continue
		}
		if !anchored {
			p = "**/" + p
		}
		parts := strings.Split(p, "/")
		if parts[len(parts)-1] == "**" {
			parts[len(parts)-1] = "*"
		}
		split = append(split, parts)
	}
	var found []string
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			if errors.Is(err, fs.ErrPermission) {
				return fs.SkipDir
			}
			return err
		}
		if name == "." {
			return nil
		}
		parts := strings.Split(name, "/")
		for _, p := range split {
			if !matches(p, parts) {
				continue
			}
			found = append(found, name)
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		return nil
	})
	return found, err
}

// matches compares a pattern with a path, folder by folder. States holds the
// positions in the pattern that can have been reached: no backtracking, so a
// hostile pattern costs its length times the path's.
func matches(pattern, name []string) bool {
	states := closure(pattern, map[int]bool{0: true})
	for _, part := range name {
		next := map[int]bool{}
		for s := range states {
			switch {
			case s == len(pattern):
			case pattern[s] == "**":
				if !strings.HasPrefix(part, ".") {
					next[s] = true
				}
			case segment(pattern[s], part):
				next[s+1] = true
			}
		}
		states = closure(pattern, next)
	}
	return states[len(pattern)]
}

func closure(pattern []string, states map[int]bool) map[int]bool {
	for i := range pattern {
		if states[i] && pattern[i] == "**" {
			states[i+1] = true
		}
	}
	return states
}

func segment(pattern, name string) bool {
	if strings.HasPrefix(name, ".") && !strings.HasPrefix(pattern, ".") {
		return false
	}
	ok, err := path.Match(pattern, name)
	return ok && err == nil
}
