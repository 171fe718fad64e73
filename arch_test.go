package kigo_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/kigo-dev/kigo"

// layer is a floor of the house: its packages may import those of lower floors,
// and of their own floor only the ones named.
type layer struct {
	name     string
	packages map[string][]string
}

// layers lists every package of the program, from the bottom up.
var layers = []layer{
	{"domain", map[string][]string{".": nil}},
	{"mechanism", map[string][]string{
		"internal/atomicfile": nil, "internal/cgroup": nil, "internal/histogram": nil, "internal/image": nil, "internal/lanes": nil, "internal/killpoint": nil, "internal/lifecycle": nil, "internal/loop": nil, "internal/priority": nil, "internal/procname": nil, "internal/testenv": nil,
		"internal/pebbletest": {"internal/testenv"}, // it starts a program on a port of its own
		"outbound":            nil, "reconcile": nil,
	}},
	{"state", map[string][]string{
		"blob": nil, "blob/blobtest": {"blob"}, "output": nil, "secret": nil,
		"store":            {"secret", "store/migrations"}, // columns that hold secrets are sealed where they are written
		"store/migrations": nil,
		"store/storetest":  {"secret", "store"}, // its suite opens stores, with a box
	}},
	{"control", map[string][]string{"config": nil, "control": nil}},
	{"parts", map[string][]string{
		"cert": nil, "logplex": nil, "metrics": nil, "network": nil, "registry": nil, "slug": nil,
		"stack":           {"cert"}, // what the machine trusts is found in one place
		"stack/stacktest": {"stack"},
		"dyno/pid1":       nil, "dyno/shim": nil,
		"oci":                 {"dyno/shim", "network"}, // it starts shims, inside networks made for them
		"buildpack":           nil,                      // the vocabulary; each of those below it is one language or one side of a build
		"buildpack/toolchain": {"buildpack"}, "buildpack/container": nil, "buildpack/run": {"buildpack", "buildpack/container"}, "buildpack/procfile": {"buildpack"},
		"buildpack/golang": {"buildpack", "buildpack/toolchain"}, "buildpack/nodejs": {"buildpack", "buildpack/toolchain"},
		"buildpack/java": {"buildpack", "buildpack/toolchain"}, "buildpack/php": {"buildpack", "buildpack/toolchain"},
		"buildpack/ruby": {"buildpack", "buildpack/toolchain"}, "buildpack/toolchain/toolchaintest": {"buildpack/toolchain"},
		"buildpack/static": {"buildpack"}, "buildpack/python": {"buildpack"}, "buildpack/apt": {"buildpack"}, "buildpack/inline": {"buildpack"},
	}},
	{"loops", map[string][]string{
		"acme":                  nil,
		"alert":                 nil,
		"mail":                  nil,
		"mail/mailtest":         nil,
		"outbound/outboundtest": nil,
		"build":                 nil,
		"telemetry":             nil,
		"logplex/drain":         {"telemetry"}, // lines go to the same consumers
		"dyno":                  nil,
		"dyno/enginetest":       {"dyno"},
		"formation":             nil,
		"release":               nil,
		"router":                nil,
		"router/hostile":        nil,
		"webhook":               nil,
		"setup":                 nil,
		"patch":                 nil,
	}},
	{"edges", map[string][]string{
		"client": nil, "git/hook": nil, "rendezvous": nil, "sshd": nil,
		"git": {"git/hook"},             // both sides of one protocol
		"api": {"client"},               // the shapes of answers are declared once, in client
		"cli": {"client", "rendezvous"}, // commands speak the public API and the byte pipe of run
	}},
	{"composition", map[string][]string{"server": nil}},
	{"programs", map[string][]string{
		"bench/api": nil, "bench/api/start": {"bench/platform"},
		"bench/builds": {"bench/platform"}, "bench/dynos": {"bench/platform"}, "bench/logs": nil, "bench/platform": nil, "bench/push": {"bench/platform"}, "bench/router": nil, "cmd/kigo": nil, "cmd/kigo-buildpack": nil, "cmd/kigo-dyno": nil, "cmd/kigo-sftp": nil, "dyno/enginetest/testapp": nil, "dyno/enginetest/probe": nil,
		"e2e": nil, "examples": nil, "e2e/testapp": nil, "script/gotest": nil,
	}},
}

// only names packages that may import nothing of this module but what is listed.
var only = map[string][]string{
	"cli": {".", "client", "rendezvous"}, // the command line has no way around the API
	"web": {".", "client"},
}

// small names programs that run beside or inside a tenant's processes: whatever
// they link, directly or not, is the standard library, x/sys or this module.
var small = []string{"cmd/kigo-dyno", "git/hook"}

func TestImportsPointDown(t *testing.T) {
	rank, peers := ranks()
	seen := make(map[string]bool)
	for _, p := range list(t) {
		name := rel(p.ImportPath)
		seen[name] = true
		r, ok := rank[name]
		if !ok {
			t.Errorf("%s is in no layer: add it to layers in arch_test.go", name)
			continue
		}
		for _, imp := range p.Imports {
			to := rel(imp)
			switch allowed, limited := only[name]; {
			case !ours(imp):
				if r == 0 && strings.Contains(imp, ".") {
					t.Errorf("the domain package imports %s: it may use the standard library alone", imp)
				}
			case limited && !slices.Contains(allowed, to):
				t.Errorf("%s may import only %v, not %s", name, allowed, to)
			case rank[to] > r || rank[to] == r && !slices.Contains(peers[name], to):
				t.Errorf("%s may not import %s: %s is not below %s", name, to, layers[rank[to]].name, layers[r].name)
			}
		}
	}
	for p := range rank {
		if !seen[p] {
			t.Errorf("%s is in layers but not in the tree", p)
		}
	}
}

func TestSmallProgramsLinkLittle(t *testing.T) {
	for _, p := range list(t) {
		if !slices.Contains(small, rel(p.ImportPath)) {
			continue
		}
		for _, dep := range p.Deps {
			if first, _, _ := strings.Cut(dep, "/"); strings.Contains(first, ".") && !ours(dep) && !strings.HasPrefix(dep, "golang.org/x/sys/") {
				t.Errorf("%s links %s: only the standard library and golang.org/x/sys may be in it", rel(p.ImportPath), dep)
			}
		}
	}
}

func TestEveryPackageSaysWhatItIs(t *testing.T) {
	for _, p := range list(t) {
		if len(p.Doc) < 30 {
			t.Errorf("%s has no package comment, or a very short one: %q", rel(p.ImportPath), p.Doc)
		}
	}
}

func ranks() (rank map[string]int, peers map[string][]string) {
	rank, peers = make(map[string]int), make(map[string][]string)
	for i, l := range layers {
		for p, same := range l.packages {
			rank[p], peers[p] = i, same
		}
	}
	return rank, peers
}

type pkg struct {
	ImportPath, Doc string
	Imports, Deps   []string
}

func list(t *testing.T) (pkgs []pkg) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-e", "-json=ImportPath,Doc,Imports,Deps", "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return pkgs
		} else if err != nil {
			t.Fatal(err)
		}
		pkgs = append(pkgs, p)
	}
}

func ours(path string) bool { return path == module || strings.HasPrefix(path, module+"/") }

func rel(path string) string {
	if path == module {
		return "."
	}
	return strings.TrimPrefix(path, module+"/")
}
