package run_test

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/kigo-dev/kigo/buildpack"
	"github.com/kigo-dev/kigo/buildpack/run"
)

var update = flag.Bool("update", false, "write what is printed into testdata")

// Each archive in testdata/builds is an app. Its comment holds the buildpacks
// after "buildpacks:", what is allowed after "allowed:", and config vars as NAME=value, its last file, "want", the
// transcript and then the result.
func TestBuildsPrintWhatHerokuPrints(t *testing.T) {
	files, err := filepath.Glob("testdata/builds/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			a, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			last := &a.Files[len(a.Files)-1]
			got := transcript(t, a.Comment, a.Files[:len(a.Files)-1])
			if *update {
				last.Data = []byte(got)
				if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if d := cmp.Diff(string(last.Data), got); d != "" {
				t.Error(d)
			}
		})
	}
}

// goVersion is the Go that builds in tests use: the one that runs them.
var goVersion = strings.TrimPrefix(strings.Fields(runtime.Version())[0], "go")

func transcript(t *testing.T, comment []byte, files []txtar.File) string {
	t.Helper()
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	job := buildpack.Job{
		Stack: "heroku-22", SourceVersion: "1f0c2b7", RequestID: "r1", Dyno: "build.1", Config: map[string]string{},
		HostEnv: []string{"GIT_SSL_CAINFO=" + caFile, "SSL_CERT_FILE=" + caFile, "KIGO_TOOLCHAINS=" + toolchains(t), "GOPROXY=off"},
		Layout: buildpack.Layout{
			Program: self, Source: filepath.Join(dir, "source.tar"), Build: filepath.Join(dir, "build"), Cache: filepath.Join(dir, "cache"),
			Operators: filepath.Join(dir, "operators"), Env: filepath.Join(dir, "env"), Packs: filepath.Join(dir, "packs"), Result: filepath.Join(dir, "result.json"),
		},
	}
	modules := map[string]string{}
	for line := range strings.Lines(string(comment)) {
		if module, ok := strings.CutPrefix(line, "submodule:"); ok {
			at, commit, _ := strings.Cut(strings.TrimSpace(module), " ")
			modules[at] = strings.ReplaceAll(commit, "COMMIT", helloCommit)
		} else if list, ok := strings.CutPrefix(line, "buildpacks:"); ok {
			job.Buildpacks = strings.Fields(strings.ReplaceAll(list, "SHELF", shelf.URL))
		} else if list, ok := strings.CutPrefix(line, "allowed:"); ok {
			job.Allowed = strings.Fields(list)
		} else if sum, ok := strings.CutPrefix(line, "checksum:"); ok {
			job.Checksum = strings.TrimSpace(sum)
		} else if at, ok := strings.CutPrefix(line, "shelf:"); ok {
			job.Shelf = strings.ReplaceAll(strings.TrimSpace(at), "SHELF", shelf.URL)
		} else if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			job.Config[name] = strings.ReplaceAll(value, "SHELF", shelf.URL)
		}
	}
	files = slices.DeleteFunc(slices.Clone(files), func(f txtar.File) bool {
		own := strings.HasPrefix(f.Name, "operators/") // the operator's, not the app's
		if own {
			write(dir, []txtar.File{f})
		}
		return own
	})
	if err := os.WriteFile(job.Layout.Source, archive(t, files, modules), 0o644); err != nil {
		t.Fatal(err)
	}
	if slices.ContainsFunc(files, func(f txtar.File) bool { return f.Name == "go.mod" }) {
		job.Layout.Cache = goCache() // or each would compile the standard library
	}
	var out bytes.Buffer
	ok := (&run.Runner{Job: job, Out: &out}).Run(context.Background())
	text, err := os.ReadFile(job.Layout.Result)
	if err != nil {
		t.Fatal(err)
	}
	var result buildpack.Result
	if err := json.Unmarshal(text, &result); err != nil {
		t.Fatal(err)
	}
	if ok != (result.Failure == "") {
		t.Errorf("Run says %t, the result %q", ok, result.Failure)
	}
	pretty, _ := json.MarshalIndent(result, "", " ")
	return neutral(out.String(), dir) + neutral(string(pretty), dir) + "\n"
}

// toolchains is a store with the host's own Go.
func toolchains(t *testing.T) string {
	t.Helper()
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(strings.TrimSpace(string(root)), filepath.Join(dir, "go-"+goVersion)); err != nil {
		t.Fatal(err)
	}
	return dir
}

func archive(t *testing.T, files []txtar.File, modules map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for at, commit := range modules {
		h := tar.Header{Typeflag: tar.TypeDir, Name: at + "/", Mode: 0o755, Format: tar.FormatPAX, PAXRecords: map[string]string{"KIGO.submodule": commit}}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range files {
		data := bytes.ReplaceAll(f.Data, []byte("GOVERSION"), []byte(goVersion))
		data = bytes.ReplaceAll(data, []byte("SHELF"), []byte(strings.TrimPrefix(shelf.URL, "https://")))
		mode := int64(0o644)
		if bytes.HasPrefix(data, []byte("#!")) {
			mode = 0o755
		}
		if err := w.WriteHeader(&tar.Header{Name: f.Name, Mode: mode, Size: int64(len(data))}); err != nil {
			t.Fatal(err)
		}
		w.Write(data)
	}
	w.Close()
	return b.Bytes()
}

var (
	compiled = regexp.MustCompile(`(?m)^       (?:example\.com/|internal/|runtime|unicode|sync|math|cmp|errors|iter|slices|sort|io|os|time|bytes|strings|fmt|reflect|syscall|path)\S*\n`)
	sums     = regexp.MustCompile(`[0-9a-f]{64}`)
	commits  = regexp.MustCompile(`\b[0-9a-f]{40}\b`)
)

// neutral takes out what differs from run to run.
func neutral(s, dir string) string {
	s = strings.NewReplacer(strings.TrimPrefix(shelf.URL, "https://"), "SHELF", dir, "DIR", goVersion, "GOVERSION").Replace(s)
	s = compiled.ReplaceAllString(s, "")
	s = sums.ReplaceAllString(s, "SHA256")
	return commits.ReplaceAllString(s, "COMMIT")
}
