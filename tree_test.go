package kigo_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Budgets of lines. Past 300 a file should already be asked what second concept
// it holds.
const (
	codeLines         = 500
	testLines         = 700
	readmeLines       = 150
	architectureLines = 400
	makefileLines     = 40
)

// vague names say nothing of what is inside.
var vague = []string{"util", "utils", "helper", "helpers", "common", "misc", "types", "models"}

func TestFilesStaySmall(t *testing.T) {
	budget := map[string]int{"README.md": readmeLines, "ARCHITECTURE.md": architectureLines, "Makefile": makefileLines}
	for name, most := range budget {
		if n := lines(t, name); n > most {
			t.Errorf("%s has %d lines: at most %d", name, n, most)
		}
	}
	for _, name := range tree(t, ".go") {
		most := codeLines
		if strings.HasSuffix(name, "_test.go") {
			most = testLines
		}
		if n := lines(t, name); n > most {
			t.Errorf("%s has %d lines: at most %d; what second concept does it hold?", name, n, most)
		}
	}
}

func TestNamesSayWhatIsInside(t *testing.T) {
	for _, name := range tree(t, ".go") {
		for part := range strings.SplitSeq(strings.TrimSuffix(name, ".go"), "/") {
			if slices.Contains(vague, strings.TrimSuffix(part, "_test")) {
				t.Errorf("%s: the name %q says nothing; name the concept", name, part)
			}
		}
	}
}

// inTicks finds what a document puts in backticks.
var inTicks = regexp.MustCompile("`([^`\n]+)`")

// fileLike recognises a path of the tree: a folder's trailing slash or a known ending.
var fileLike = regexp.MustCompile(`^[a-zA-Z0-9_.-]+(/[a-zA-Z0-9_.-]+)*(/|\.go|\.md|\.txtar|\.yml|\.sh)$`)

func TestFilesNamedInDocumentsExist(t *testing.T) {
	named := 0
	for _, doc := range append(tree(t, ".md"), "ARCHITECTURE.md") {
		if strings.HasPrefix(doc, "e2e/") || doc == "CHANGELOG.md" {
			continue
		}
		for _, m := range inTicks.FindAllStringSubmatch(read(t, doc), -1) {
			name := m[1]
			if !fileLike.MatchString(name) || !inTree(name) {
				continue
			}
			named++
			if _, err := os.Stat(name); err != nil {
				t.Errorf("%s names %s, which does not exist", doc, name)
			}
		}
	}
	if named < 30 {
		t.Errorf("the documents name %d files of the tree: this test no longer sees them", named)
	}
}

var link = regexp.MustCompile(`\]\(([^)#]+)(#[^)]*)?\)`)

func TestLinksBetweenDocumentsLead(t *testing.T) {
	followed := 0
	for _, doc := range tree(t, ".md") {
		for _, m := range link.FindAllStringSubmatch(read(t, doc), -1) {
			if strings.Contains(m[1], "://") || strings.HasPrefix(m[1], "mailto:") {
				continue
			}
			followed++
			if _, err := os.Stat(filepath.Join(filepath.Dir(doc), m[1])); err != nil {
				t.Errorf("%s links to %s, which does not exist", doc, m[1])
			}
		}
	}
	if followed < 10 {
		t.Errorf("the documents hold %d links: this test no longer sees them", followed)
	}
}

// inTree reports whether a name in a document means a file of ours: one whose
// first folder is a folder of this tree. Others are a tenant's, such as
// app.json, or live in the data folder.
func inTree(name string) bool {
	first, rest, nested := strings.Cut(name, "/")
	if !nested || rest == "" && !strings.HasSuffix(name, "/") {
		return false
	}
	info, err := os.Stat(first)
	return err == nil && info.IsDir() || slices.Contains(packages(), first)
}

// packages is the first folder of every package in layers, so that a document
// that names a file of a package that is gone fails too.
func packages() (names []string) {
	for _, l := range layers {
		for p := range l.packages {
			first, _, _ := strings.Cut(p, "/")
			names = append(names, first)
		}
	}
	return names
}

// tree lists our own files with that ending.
func tree(t *testing.T, ending string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != "." && strings.HasPrefix(d.Name(), "."), d.IsDir() && (d.Name() == "testdata" || d.Name() == "node_modules" || path == "bin"):
			return filepath.SkipDir
		case !d.IsDir() && strings.HasSuffix(path, ending):
			names = append(names, filepath.ToSlash(path))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func lines(t *testing.T, name string) int {
	t.Helper()
	return bytes.Count([]byte(read(t, name)), []byte("\n"))
}

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
