package ruby

import (
	"bytes"
	"crypto/md5"
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
	"github.com/kigo-dev/kigo/buildpack/toolchain/toolchaintest"
)

// site is a registry of gems on loopback, and folders for apps.
type site struct {
	*testing.T
	dir, url string
}

const greeting = `Gem::Specification.new do |s|
  s.name, s.version, s.summary, s.authors, s.files = "greeting", "1.2.0", "says hello", ["Kigo"], ["lib/greeting.rb"]
  s.homepage, s.license, s.executables, s.bindir = "https://example.com", "MIT", ["greet"], "exe"
  s.files << "exe/greet"
end
`

// newSite builds a gem with the very Ruby that apps get and serves it as
// registries do.
func newSite(t *testing.T) *site {
	t.Helper()
	store := toolchaintest.Store(t, "ruby-3.1")
	t.Setenv("KIGO_TOOLCHAINS", store)
	t.Setenv("STACK", "heroku-22")
	s := &site{T: t, dir: t.TempDir()}
	src := filepath.Join(s.dir, "gem")
	s.write(src, map[string]string{
		"greeting.gemspec": greeting, "lib/greeting.rb": `module Greeting; TEXT = "hello from a gem"; end`, "exe/greet": "#!/usr/bin/env ruby\nrequire 'greeting'\nputs Greeting::TEXT\n",
	})
	tool := &app{Build: &buildpack.Build{Dir: src}, ruby: filepath.Join(s.dir, "ruby")}
	if err := buildpack.CopyTree(filepath.Join(store, "ruby-3.1"), tool.ruby); err != nil {
		t.Fatal(err)
	}
	if err := tool.wrap(); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(tool.ruby, "bin/gem"), "build", "--quiet", "greeting.gemspec")
	cmd.Dir = src
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("gem build: %v\n%s", err, out)
	}
	file, err := os.ReadFile(filepath.Join(src, "greeting-1.2.0.gem"))
	if err != nil {
		t.Fatal(err)
	}
	info := fmt.Sprintf("---\n1.2.0 |checksum:%x\n", sha256.Sum256(file))
	versions := fmt.Sprintf("created_at: 2024-01-01T00:00:00Z\n---\ngreeting 1.2.0 %x\n", md5.Sum([]byte(info)))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/":
		case "/versions":
			fmt.Fprint(w, versions)
		case "/info/greeting":
			fmt.Fprint(w, info)
		case "/gems/greeting-1.2.0.gem":
			w.Write(file)
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(server.Close)
	s.url = server.URL + "/"
	return s
}

func (s *site) write(dir string, files map[string]string) {
	s.Helper()
	for name, text := range files {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			s.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o755); err != nil {
			s.Fatal(err)
		}
	}
}

// build compiles an app with the site's one cache and registry.
func (s *site) build(name string, files map[string]string) (output, dir string, err error) {
	s.Helper()
	home := filepath.Join(s.dir, name)
	b := &buildpack.Build{Dir: filepath.Join(home, "build"), Cache: filepath.Join(s.dir, "cache"), Pack: filepath.Join(home, "pack"), EnvDir: filepath.Join(home, "env")}
	for _, d := range []string{b.Dir, b.Cache, b.Pack, b.EnvDir} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			s.Fatal(err)
		}
	}
	s.write(b.Dir, files)
	if _, given := files["../env/BUNDLE_MIRROR__ALL"]; !given {
		s.write(b.EnvDir, map[string]string{"BUNDLE_MIRROR__ALL": s.url})
	}
	var out bytes.Buffer
	b.Config, b.Out = buildpack.EnvDir(b.EnvDir), buildpack.Output{W: &out}
	err = compile(s.Context(), b)
	return out.String(), b.Dir, err
}

const lock = `GEM
  remote: https://rubygems.org/
  specs:
    greeting (1.2.0)

PLATFORMS
  x86_64-linux

DEPENDENCIES
  greeting

BUNDLED WITH
   2.3.15
`

func app1() map[string]string {
	return map[string]string{"Gemfile": "source 'https://rubygems.org'\ngem 'greeting'\n", "Gemfile.lock": lock, "config.ru": "run ->(e) { [200, {}, []] }"}
}

func TestARubyAppInstallsItsGemsFromTheRegistryAndThenFromTheCache(t *testing.T) {
	s := newSite(t)
	first, dir, err := s.build("one", app1())
	if err != nil {
		t.Fatalf("%v\n%s", err, first)
	}
	for _, want := range []string{"-----> Compiling Ruby/Rack\n", "-----> Using Ruby version: ruby-3.1.", "Installing greeting 1.2.0\n", "       Bundle completed (", " !     No Procfile detected, using the default web server.\n"} {
		if !strings.Contains(first, want) {
			t.Errorf("no %q in\n%s", want, first)
		}
	}
	moved := filepath.Join(s.dir, "app") // as /app is another place than BUILD_DIR
	if err := os.Rename(dir, moved); err != nil {
		t.Fatal(err)
	}
	said, err := run(moved, "greet && bundle exec ruby -rgreeting -e 'puts Greeting::TEXT, RbConfig.ruby; system(RbConfig.ruby, %q(-e), %q(require %q(json); puts JSON.dump([1])))'")
	if want := "hello from a gem\nhello from a gem\n" + moved + "/vendor/ruby/usr/bin/ruby3.1\n[1]\n"; err != nil || said != want {
		t.Errorf("in the dyno: %v %q, want %q", err, said, want)
	}
	second, _, err := s.build("two", app1())
	if err != nil || !strings.Contains(second, "Using greeting 1.2.0\n") {
		t.Errorf("%v\n%s", err, second)
	}
}

// run has bash run a command in an app's folder as a dyno does.
func run(dir, command string) (string, error) {
	cmd := exec.Command("/bin/bash", "-c", `for f in .profile.d/*.sh; do . "$f"; done; `+command)
	cmd.Dir, cmd.Env = dir, []string{"HOME=" + dir, "PATH=/usr/bin:/bin"}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func TestARubyAppThatCannotBeBuiltSaysWhyInOneLine(t *testing.T) {
	s := newSite(t)
	for name, c := range map[string]struct {
		files map[string]string
		want  string
	}{
		"no lock":            {map[string]string{"Gemfile.lock": ""}, "Gemfile.lock required. Please check it in."},
		"another Ruby":       {map[string]string{"Gemfile": "ruby '2.7.8'\n"}, "No Ruby for the Gemfile: ruby 2.7.8: no such version; there is 3.1\nAsk for"},
		"another patch":      {map[string]string{"Gemfile": "ruby \"3.1.0\"\n"}, "the Gemfile asks for Ruby 3.1.0, but what is at hand is Ruby 3.1."},
		"JRuby":              {map[string]string{"Gemfile": "ruby 'jruby-9.4'\n"}, "the Gemfile asks for jruby-9.4: only the standard Ruby is at hand."},
		"registry is down":   {map[string]string{"../env/BUNDLE_MIRROR__ALL": "http://user:pw@127.0.0.1:1/"}, "The registry of gems cannot be reached at http://user:xxxxx@127.0.0.1:1/: dial tcp 127.0.0.1:1: connect: connection refused"},
		"gem does not exist": {map[string]string{"Gemfile.lock": strings.ReplaceAll(lock, "greeting", "nothing"), "Gemfile": "source 'https://rubygems.org'\ngem 'nothing'\n"}, "Failed to install gems via Bundler: the messages above say why."},
	} {
		t.Run(name, func(t *testing.T) {
			files := app1()
			for k, v := range c.files {
				files[k] = v
			}
			if files["Gemfile.lock"] == "" {
				delete(files, "Gemfile.lock")
			}
			here := *s
			here.T, here.dir = t, t.TempDir()
			out, _, err := here.build("app", files)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v; want %q\n%s", err, c.want, out)
			}
		})
	}
}

func TestProcessTypesAndConfigOfARubyAppAreHerokus(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(t.TempDir())
	write := func(name, text string) {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(filepath.Join(dir, "Gemfile"), "")
	if r := release(dir); r.ProcessTypes["web"] != "" || r.ProcessTypes["console"] != "bundle exec irb" || r.ConfigVars["LANG"] != "en_US.UTF-8" || r.Addons != nil {
		t.Errorf("plain: %+v", r)
	}
	write(filepath.Join(dir, "config.ru"), "")
	if r := release(dir); r.ProcessTypes["web"] != "bundle exec rackup config.ru -p ${PORT:-5000}" || r.ConfigVars["RACK_ENV"] != "production" {
		t.Errorf("rack: %+v", r)
	}
	write(filepath.Join(dir, "Gemfile.lock"), "GEM\n  specs:\n    pg (1.5.4)\n    railties (7.1.2)\n      rake (>= 12)\n")
	write(secretFile, "s3cret")
	r := release(dir)
	if r.ProcessTypes["web"] != "bin/rails server -p ${PORT:-5000} -e $RAILS_ENV" || r.ProcessTypes["console"] != "bin/rails console" || r.ProcessTypes["rake"] != "bundle exec rake" {
		t.Errorf("rails: %+v", r.ProcessTypes)
	}
	if len(r.Addons) != 1 || r.Addons[0] != "heroku-postgresql" || r.ConfigVars["SECRET_KEY_BASE"] != "s3cret" || r.ConfigVars["RAILS_LOG_TO_STDOUT"] != "enabled" {
		t.Errorf("rails: %+v %+v", r.Addons, r.ConfigVars)
	}
}
