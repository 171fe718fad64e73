package python

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kigo-dev/kigo/buildpack"
	"github.com/kigo-dev/kigo/internal/testenv"
)

// pip is a stand-in: it installs itself as pip does, and for each requirement a
// module of that name, after asking the index for it.
const pip = `
import os, shutil, sys, sysconfig, urllib.request, zipfile
site = sysconfig.get_paths()["purelib"]
args = sys.argv[1:]
if "--target" in args:
    target, name = args[args.index("--target") + 1], args[-1]
    body = urllib.request.urlopen(os.environ["PIP_INDEX_URL"] + "/" + name + "/").read()
    file = os.path.join(target, "bin", name) if name == "uv" else os.path.join(target, name, "__main__.py")
    os.makedirs(os.path.dirname(file))
    open(file, "wb").write(body)
    os.chmod(file, 0o755)
elif args[-1].endswith(".whl"):
    zipfile.ZipFile(args[-1]).extractall(site)
else:
    for name in open(args[args.index("-r") + 1]).read().split():
        if os.path.exists(os.path.join(site, name)):
            print("Requirement already satisfied: " + name)
            continue
        body = urllib.request.urlopen(os.environ["PIP_INDEX_URL"] + "/" + name + "/").read()
        os.makedirs(os.path.join(site, name))
        open(os.path.join(site, name, "__init__.py"), "wb").write(body)
        print("Successfully installed " + name)
`

func wheelOf(t *testing.T) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, text := range map[string]string{"pip/__init__.py": "", "pip/__main__.py": pip} {
		f, err := w.Create(name)
		if err == nil {
			_, err = f.Write([]byte(text))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// site is an index on loopback and an app.
type site struct {
	*testing.T
	dir, index, sum string
}

func newSite(t *testing.T) *site {
	testenv.NeedsProgram(t, "python3")
	data := wheelOf(t)
	s := &site{T: t, dir: t.TempDir(), sum: fmt.Sprintf("%x", sha256.Sum256(data))}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/simple/pip/":
			fmt.Fprintf(w, `<a href="../../files/pip-9.0-py3-none-any.whl#sha256=%064d">old</a> <a href="../../files/pip-26.1-py3-none-any.whl#sha256=%s">new</a>`, 0, s.sum)
		case "/files/pip-26.1-py3-none-any.whl":
			w.Write(data)
		case "/simple/pipenv/", "/simple/poetry/":
			fmt.Fprint(w, managerProgram)
		case "/simple/uv/":
			fmt.Fprint(w, "#!/bin/sh\necho \"uv $* into $UV_PROJECT_ENVIRONMENT from $UV_DEFAULT_INDEX\"\n")
		case "/simple/greeting/":
			fmt.Fprint(w, "text = 'hello'")
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(server.Close)
	s.index = server.URL + "/simple"
	return s
}

// build compiles files in a folder of its own with the site's one cache.
func (s *site) build(name string, files map[string]string) (output, home string, err error) {
	s.Helper()
	dir := filepath.Join(s.dir, name)
	b := &buildpack.Build{Dir: filepath.Join(dir, "build"), Cache: filepath.Join(s.dir, "cache"), Pack: filepath.Join(dir, "pack"), EnvDir: filepath.Join(dir, "env")}
	home = filepath.Join(s.dir, "app")
	for _, d := range []string{b.Dir, b.Cache, b.Pack, b.EnvDir, home} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			s.Fatal(err)
		}
	}
	files["../env/PIP_INDEX_URL"] = s.index
	for name, text := range files {
		file := filepath.Join(b.Dir, name)
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			s.Fatal(err)
		}
	}
	var out bytes.Buffer
	b.Config, b.Out = buildpack.EnvDir(b.EnvDir), buildpack.Output{W: &out}
	err = compileFor(s.Context(), b, home)
	return out.String(), home, err
}

func TestAPythonAppInstallsFromTheIndexAndThenFromTheCache(t *testing.T) {
	s := newSite(t)
	files := map[string]string{"requirements.txt": "greeting\n"}
	first, home, err := s.build("one", files)
	if err != nil {
		t.Fatalf("%v\n%s", err, first)
	}
	said, err := exec.Command(filepath.Join(home, ".heroku/python/bin/python"), "-c", "import greeting; print(greeting.text)").CombinedOutput()
	if err != nil || string(said) != "hello\n" {
		t.Errorf("%v %s", err, said)
	}
	for _, want := range []string{"-----> Installing pip 26.1\n", "       Successfully installed greeting\n", "-----> Saving cache\n"} {
		if !strings.Contains(first, want) {
			t.Errorf("no %q in\n%s", want, first)
		}
	}
	second, _, err := s.build("two", files)
	if err != nil || !strings.Contains(second, "Restoring cache") || strings.Contains(second, "Installing pip") || !strings.Contains(second, "already satisfied") {
		t.Errorf("%v\n%s", err, second)
	}
	third, _, err := s.build("three", map[string]string{"requirements.txt": "greeting\n\n"})
	if err != nil || !strings.Contains(third, "Discarding cache") || !strings.Contains(third, "Successfully installed") {
		t.Errorf("%v\n%s", err, third)
	}
}

// managerProgram is a stand-in for Pipenv and Poetry: it tells how it was called and
// installs one module into the environment that it runs in.
const managerProgram = `
import os, sys, sysconfig
print("called", *sys.argv[1:], os.environ.get("POETRY_VIRTUALENVS_CREATE", ""), os.environ.get("PIPENV_PYPI_MIRROR", ""))
open(os.path.join(sysconfig.get_paths()["purelib"], "managed.py"), "w").write("text = 'managed'")
`

func TestPythonAppsOfOtherPackageManagersAreInstalledByThem(t *testing.T) {
	s := newSite(t)
	for name, c := range map[string]struct{ lock, said, module string }{
		"pipenv": {"Pipfile.lock", "       called install --deploy  " + s.index + "\n", "managed"},
		"poetry": {"poetry.lock", "       called sync --only main --no-interaction false \n", "managed"},
		"uv":     {"uv.lock", "       uv sync --locked --no-default-groups into HOME/.heroku/python from " + s.index + "\n", ""},
	} {
		for _, again := range []bool{false, true} {
			out, home, err := s.build(name+fmt.Sprint(again), map[string]string{c.lock: "{}", "pyproject.toml": ""})
			want := strings.ReplaceAll(c.said, "HOME", home)
			if err != nil || !strings.Contains(out, want) || strings.Contains(out, "-----> Installing "+name+"\n") == again {
				t.Errorf("%s: %v; want %q\n%s", name, err, want, out)
			}
			if c.module == "" {
				continue
			}
			if said, err := exec.Command(filepath.Join(home, ".heroku/python/bin/python"), "-c", "import "+c.module+"; print(managed.text)").CombinedOutput(); err != nil || string(said) != "managed\n" {
				t.Errorf("%s: %v %s", name, err, said)
			}
		}
	}
	out, _, err := s.build("both", map[string]string{"requirements.txt": "greeting\n", "poetry.lock": ""})
	if err != nil || !strings.Contains(out, " !     Multiple Python package manager files were found: requirements.txt, poetry.lock. requirements.txt is used") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestPythonAppsThatCannotBeBuiltSayWhy(t *testing.T) {
	s := newSite(t)
	for want, files := range map[string]map[string]string{
		"asks for Python 2.7":                      {"requirements.txt": "", "runtime.txt": "python-2.7.18\n"},
		"not a poetry.lock or uv.lock":             {"pyproject.toml": ""},
		"a Python app needs a requirements.txt":    {"app.py": ""},
		"Unable to install dependencies using pip": {"requirements.txt": "nosuch\n"},
	} {
		if out, _, err := s.build("bad", files); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s\n%s", err, want, out)
		}
		os.RemoveAll(filepath.Join(s.dir, "bad"))
	}
	s.sum = strings.Repeat("0", 64)
	if _, _, err := s.build("sum", map[string]string{"requirements.txt": ""}); err == nil || !strings.Contains(err.Error(), "as the index says") {
		t.Errorf("a pip with another digest: %v", err)
	}
	s.index = "http://127.0.0.1:1/simple"
	if _, _, err := s.build("down", map[string]string{"requirements.txt": ""}); err == nil || !strings.Contains(err.Error(), "pip could not be fetched from http://127.0.0.1:1/simple") {
		t.Errorf("an index that is down: %v", err)
	}
}

func TestVersionsOfPythonAreCompared(t *testing.T) {
	for _, c := range []struct {
		have, want string
		ok         bool
	}{{"3.11.2", "3.11", true}, {"3.11.2", "3.11.9", true}, {"3.11.2", "3", true}, {"3.11.2", "3.1", false}, {"3.11.2", "3.12.1", false}, {"3.11.2", "2", false}} {
		if satisfies(c.have, c.want) != c.ok {
			t.Errorf("%+v", c)
		}
	}
}
