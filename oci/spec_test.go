package oci

import (
	"encoding/json"
	"flag"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/network"
)

var update = flag.Bool("update", false, "rewrite golden files")

func TestSpecsAreAsInTheGoldenFiles(t *testing.T) {
	n, err := network.New(network.Config{Instance: "1a2b", Subnet: netip.MustParsePrefix("10.213.0.0/16")})
	if err != nil {
		t.Fatal(err)
	}
	e := &Engine{config: Config{Instance: "1a2b"}, program: "/data/bin/kigo-dyno", sftp: "/data/bin/kigo-sftp", network: n,
		rlimits: []specs.POSIXRlimit{{Type: "RLIMIT_NOFILE", Hard: 10_000, Soft: 10_000}}}
	web := kigo.Launch{
		ID: "0123-1", Name: "web.1", UIDBase: 2_000_000, Command: []string{"bash", "-c", "exec server"},
		Env: []string{"PORT=5000"}, Memory: 512 << 20, CPU: kigo.CPU{Shares: 1024}, Pids: 256, Port: 5000, Grace: time.Second,
	}
	build := web
	build.ID, build.CPU.Quota, build.TTY = "build-0123", 2000, &kigo.TTY{Rows: 24, Cols: 80}
	build.Binds = []kigo.Bind{{Source: "/data/builds/1", Target: "/app/source"}, {Source: "/data/cache/1", Target: "/app/cache", Writable: true}}
	for name, l := range map[string]kigo.Launch{"web": web, "web-cgroup2": web, "build": build} {
		e.unified = name == "web-cgroup2"
		got, err := json.MarshalIndent(e.Spec(l, "/mnt"), "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		golden := "testdata/" + name + ".json"
		if *update {
			if err := os.WriteFile(golden, append(got, '\n'), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(strings.TrimSpace(string(want)), string(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestTheFilterAllowsNoDeniedCallAndFourSocketFamilies(t *testing.T) {
	profile, err := seccompProfile()
	if err != nil {
		t.Fatal(err)
	}
	if profile.DefaultAction != specs.ActErrno || len(profile.Architectures) != 1 {
		t.Errorf("default %s on %v", profile.DefaultAction, profile.Architectures)
	}
	ruled := map[string]int{}
	for _, rule := range profile.Syscalls {
		for _, name := range rule.Names {
			if slices.Contains(denied, name) {
				ruled[name]++
			}
			for _, never := range []string{"mount", "setns", "unshare", "bpf", "init_module", "pivot_root", "reboot", "swapon", "open_tree", "perf_event_open"} {
				if name == never && rule.Action == specs.ActAllow {
					t.Errorf("%s is allowed", name)
				}
			}
		}
	}
	if diff := cmp.Diff(map[string]int{"clone3": 1, "personality": 2, "socket": 8}, ruled); diff != "" {
		t.Errorf("rules for denied calls (-want +got):\n%s", diff)
	}
}

func TestOldRuntimesAreRefused(t *testing.T) {
	for version, want := range map[string]bool{
		"1.1.5": false, "1.2.7": false, "1.2.8": true, "1.3.2": false, "1.3.3": true, "1.4.0": true, "1.5.2": true, "2.0.0": true, "0.9.9": false,
	} {
		if got := recentEnough("runc version " + version + "\ncommit: v1\n"); got != want {
			t.Errorf("runc %s: %v, want %v", version, got, want)
		}
	}
	if recentEnough("crun version 1.8.1\n") || recentEnough("") {
		t.Error("another program was taken for runc")
	}
}

func TestTheStageNeverCoversOurOwnFiles(t *testing.T) {
	for _, c := range []struct {
		folder string
		paths  []string
		want   bool
	}{
		{"/mnt", []string{"/mnt/data/kigo"}, true}, {"/mnt", []string{"/mnt"}, true},
		{"/mnt", []string{"/mntx/kigo", "/var/kigo"}, false}, {"/srv", []string{"/var/kigo", "/srv/bin/runc"}, true},
	} {
		if got := above(c.folder, c.paths); got != c.want {
			t.Errorf("above(%q, %q) = %v", c.folder, c.paths, got)
		}
	}
}

func TestLaunchesThatMakeNoSenseAreRefused(t *testing.T) {
	good := kigo.Launch{ID: "a-1", Command: []string{"true"}, Stack: kigo.Image{Digest: "sha256:1"}, UIDBase: kigo.UIDFirst}
	if err := validate(good); err != nil {
		t.Errorf("a good launch: %v", err)
	}
	for what, change := range map[string]func(*kigo.Launch){
		"no id": func(l *kigo.Launch) { l.ID = "" }, "a path as id": func(l *kigo.Launch) { l.ID = "../x" },
		"a hidden id": func(l *kigo.Launch) { l.ID = ".x" }, "no command": func(l *kigo.Launch) { l.Command = nil },
		"no stack": func(l *kigo.Launch) { l.Stack = kigo.Image{} }, "the machine's uids": func(l *kigo.Launch) { l.UIDBase = 0 },
		"a port too high": func(l *kigo.Launch) { l.Port = 70_000 },
	} {
		l := good
		change(&l)
		if validate(l) == nil {
			t.Errorf("%s was taken", what)
		}
	}
}
