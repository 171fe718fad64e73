package server

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kigo-dev/kigo"
)

func TestTheConfigOfAnImageIsReadOrRefused(t *testing.T) {
	image, user, err := readImageConfig([]byte(`{"os": "linux", "config": {"User": "web:staff", "Env": ["A=b"], "Entrypoint": ["/e"], "Cmd": ["c"], "WorkingDir": "srv/../app"}}`))
	want := kigo.ContainerImage{Entrypoint: []string{"/e"}, Cmd: []string{"c"}, Env: []string{"A=b"}, Dir: "/app"}
	if diff := cmp.Diff(want, image); err != nil || user != "web:staff" || diff != "" {
		t.Errorf("%v %q\n%s", err, user, diff)
	}
	image, _, err = readImageConfig([]byte(`{"config": {"Entrypoint": [""], "Cmd": ["c"]}}`))
	if err != nil || len(image.Entrypoint) > 0 || image.Command() != "c" {
		t.Errorf("an ENTRYPOINT that was taken away: %+v %v", image, err)
	}
	for _, c := range []struct{ config, says string }{
		{``, "config is not what it should be"},
		{`[]`, "config is not what it should be"},
		{`{"config": {"Cmd": "x"}}`, "config is not what it should be"},
		{`{"config": {"Env": [1]}}`, "config is not what it should be"},
		{`{"os": "windows"}`, `The image is for "windows": dynos run linux`},
		{`{"architecture": "s390x"}`, `The image is for the architecture "s390x"`},
		{`{"config": {"Env": ["A=\u0000"]}}`, "has a zero byte"},
		{`{"config": {"Cmd": ["a", "b\u0000"]}}`, "has a zero byte"},
		{`{"config": {"Cmd": [""]}}`, "begins with an empty word"},
		{`{"config": {"Entrypoint": ["", "a"], "Cmd": ["b"]}}`, "begins with an empty word"},
		{`{"config": {"WorkingDir": "/a\u0000"}}`, "WORKDIR is not a path"},
		{`{"config": {"Env": ["` + strings.Repeat("x", maxImageWords) + `"]}}`, "are the most"},
	} {
		if _, _, err := readImageConfig([]byte(c.config)); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%.60s: %v", c.config, err)
		}
	}
}

func TestLabelsOfCloudNativeBuildpacksAreReadAndNeverBelieved(t *testing.T) {
	quote := func(s string) string { return strings.ReplaceAll(s, `"`, `\"`) }
	read := func(build, lifecycle string) kigo.OCIImage {
		about := kigo.OCIImage{Processes: map[string]kigo.ImageProcess{}}
		withLabels(&about, []byte(`{"architecture": "amd64", "config": {"Labels": {"`+labelBuild+`": "`+quote(build)+`", "`+labelLifecycle+`": "`+quote(lifecycle)+`"}}}`))
		return about
	}
	got := read(`{"processes": [{"type": "web", "command": ["puma"], "args": ["-p", "1"], "default": true}, {"type": "old", "command": "rake"}, {"type": "w b"}, {"type": "none", "command": 7}]}`,
		`{"runImage": {"topLayer": "sha256:1", "reference": "run"}}`)
	want := kigo.OCIImage{Architecture: "amd64", BaseName: "run", BaseTopLayer: "sha256:1", Processes: map[string]kigo.ImageProcess{
		"web": {Command: "/cnb/process/web", Display: "puma -p 1", Default: true}, "old": {Command: "/cnb/process/old", Display: "rake"}, "none": {Command: "/cnb/process/none"},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	long := strings.Repeat("x", kigo.MaxImageText+1)
	got = read(`{"processes": [{"type": "web", "command": "`+long+`"}, {"type": "far", "working-dir": "`+long+`"}, {"type": "nul", "working-dir": "a\\u0000"}], `+
		`"buildpacks": [{"id": "`+long+`"}, {"id": "a/b", "version": "1\\u0000"}, {"id": "a/c", "version": "1"}]}`, `{"runImage": {"topLayer": "`+long+`", "reference": "a\\u0000"}}`)
	want = kigo.OCIImage{Architecture: "amd64", Processes: map[string]kigo.ImageProcess{"web": {Command: "/cnb/process/web"}}, Buildpacks: []kigo.ImageBuildpack{{ID: "a/c", Version: "1"}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("texts that fit nowhere: %s", diff)
	}
	many := strings.TrimSuffix(strings.Repeat(`{"type": "web"},`, 5000), ",")
	for _, bad := range []string{"", "{", `{"processes": {}}`, `{"processes": [` + many + `]}`} {
		if got := read(bad, bad); len(got.Processes) > 1 || got.BaseName != "" {
			t.Errorf("%.60s: %+v", bad, got)
		}
	}
}

func TestTheProcessTypesOfAWholeImage(t *testing.T) {
	image := kigo.ContainerImage{Root: "sha256:1", Entrypoint: []string{"/e"}, Cmd: []string{"c"}, Dir: "/srv"}
	slug, err := wholeSlug(image, kigo.OCIImage{Processes: map[string]kigo.ImageProcess{
		"web": {}, "path": {Command: "/cnb/process/x", Display: "x it", Dir: "app/../tmp"}, "line": {Command: "rake jobs"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]kigo.ContainerImage{
		"web":  image,
		"path": {Root: "sha256:1", Cmd: []string{"/cnb/process/x"}, Line: "x it", Dir: "/tmp"},
		"line": {Root: "sha256:1", Cmd: []string{"/bin/sh", "-c", "rake jobs"}, Line: "rake jobs", Dir: "/srv"},
	}
	if diff := cmp.Diff(want, slug.Images); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]string{"web": "/e c", "path": "x it", "line": "rake jobs"}, slug.ProcessTypes); diff != "" {
		t.Error(diff)
	}
	if _, err := wholeSlug(kigo.ContainerImage{}, kigo.OCIImage{Processes: map[string]kigo.ImageProcess{}}); err == nil || !strings.Contains(err.Error(), "there is nothing to run") {
		t.Errorf("nothing to run: %v", err)
	}
}
