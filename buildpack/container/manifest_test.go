package container

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kigo-dev/kigo"
)

func TestAManifestIsReadAsHerokuReadsIt(t *testing.T) {
	t.Parallel()
	got, err := Parse([]byte(`
setup:
  addons: [{plan: heroku-postgresql, as: DATABASE}]
  config: {S3_BUCKET: mine}
build:
  docker:
    web: Dockerfile
    worker: {dockerfile: ./worker/Dockerfile, target: prod}
    tools: tools.Dockerfile
  config:
    RAILS_ENV: development
    DEBUG: 1
release:
  image: worker
  command: [./deployment-tasks.sh, --all]
run:
  web: bundle exec puma -C config/puma.rb
  clock: ./clock
  asset-syncer:
    command: [python asset-syncer.py]
    image: tools
`))
	if err != nil {
		t.Fatal(err)
	}
	want := Manifest{
		Images: []Image{{"web", "Dockerfile", ""}, {"worker", "worker/Dockerfile", "prod"}, {"tools", "tools.Dockerfile", ""}},
		Args:   map[string]string{"RAILS_ENV": "development", "DEBUG": "1"},
		Processes: []Process{
			{"release", "worker", "./deployment-tasks.sh --all"}, {"web", "web", "bundle exec puma -C config/puma.rb"},
			{"clock", "web", "./clock"}, {"asset-syncer", "tools", "python asset-syncer.py"}, {"worker", "worker", ""},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestABadManifestIsToldWhere(t *testing.T) {
	t.Parallel()
	const web = "build:\n  docker:\n    web: Dockerfile\n"
	for _, c := range []struct{ text, says string }{
		{"", "it is empty"},
		{"a: [", "it is not YAML: line 1"},
		{"- web", "line 1: heroku.yml must be a mapping"},
		{"web: x", `line 1: "web" is not known: use setup, build, release and run`},
		{"run:\n  web: x", "it names no Dockerfile"},
		{"build: Dockerfile", "line 1: build must be a mapping"},
		{"build:\n  docker: Dockerfile", "line 2: build.docker must be a mapping"},
		{"build:\n  docker: {}", "it names no Dockerfile"},
		{"build:\n  languages: [ruby]", "line 2: build.languages is not known: use docker and config"},
		{"build:\n  docker:\n    web: [a]", "line 3: build.docker.web must be a text"},
		{"build:\n  docker:\n    web:", "line 3: build.docker.web must be a text"},
		{"build:\n  docker:\n    we b: Dockerfile", `line 3: "we b" in build.docker is not a process type`},
		{"build:\n  docker:\n    web: ../Dockerfile", `line 3: build.docker.web is "../Dockerfile", which is not within the source`},
		{"build:\n  docker:\n    web: /etc/Dockerfile", `which is not within the source`},
		{"build:\n  docker:\n    web: {file: x}", "build.docker.web.file is not known: use dockerfile and target"},
		{"build:\n  docker:\n    web: {target: --rm}", `which is not the name of a stage`},
		{"build:\n  docker:\n    web: \"a\\0\"", "zero byte"},
		{web + "    web: x", `build.docker has "web" twice`},
		{web + "  config: [A]", "line 4: build.config must be a mapping"},
		{web + "  config: {\"A=B\": x}", `"A=B" in build.config is not a name of an ARG`},
		{web + "  config:\n    A: [x]", "line 5: build.config.A must be a text"},
		{web + "run: web", "line 4: run must be a mapping"},
		{web + "run:\n  web:", "line 5: run.web must be a text"},
		{web + "run:\n  web: ' '", "line 5: run.web is empty"},
		{web + "run:\n  web: {cmd: x}", "run.web.cmd is not known: use command and image"},
		{web + "run:\n  web: {}", "run.web says neither a command nor an image"},
		{web + "run:\n  web: {command: [[x]]}", "run.web.command must be a text"},
		{web + "run:\n  w/b: x", `"w/b" in run is not a process type`},
		{web + "run:\n  release: x", "the release phase is described by release:"},
		{web + "run:\n  web: {image: nosuch}", `web runs on the image "nosuch", which build.docker does not have`},
		{web + "release: {image: nosuch, command: x}", `release runs on the image "nosuch"`},
		{"build:\n  docker: {a: x, b: y}\nrun:\n  c: z", "c does not say which image it runs on"},
		{web + "run:\n  web: " + strings.Repeat("x", kigo.MaxCommand+1), "has more than 16384 bytes"},
		{web + "run:\n" + many("  t%d: x\n", 101), "line 105: run.t100 is one process type too many, the maximum is 100"},
		{strings.Repeat("#", MaxFile+1), "it has more than 65536 bytes"},
	} {
		if _, err := Parse([]byte(c.text)); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%.80q: %v\n want %s", c.text, err, c.says)
		}
	}
}

func many(line string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, line, i)
	}
	return b.String()
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("build: {docker: {web: Dockerfile}}\nrun: {web: x}"))
	f.Add([]byte("a: &a [x, x]\nb: &b [*a, *a]\nbuild: {docker: {web: *b}}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := Parse(text)
		if err == nil && (len(m.Images) == 0 || len(m.Processes) == 0) {
			t.Errorf("%q makes %+v", text, m)
		}
		for _, p := range m.Processes {
			if err == nil && p.Image == "" {
				t.Errorf("%q: %s has no image", text, p.Type)
			}
		}
	})
}
