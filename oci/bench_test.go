package oci_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/kigo-dev/kigo"
)

// BenchmarkStartToReady is a dyno from Start to its port bound, in turns with
// plain `runc run` of the same program with the same namespaces, limits and
// filter, but with neither network, overlay, idmapped root, shim nor init. The
// figure dyno_start_vs_runc is the ratio of the two.
func BenchmarkStartToReady(b *testing.B) {
	r := newRig(b)
	bundle := plainBundle(b, r)
	var ours, plain time.Duration
	for b.Loop() {
		began := time.Now()
		l := r.launch("testapp", "serve")
		l.Port, l.Slug, l.Scratch = 5000, r.images.Slug, 4<<30
		if err := r.engine.Start(context.Background(), l); err != nil {
			b.Fatal(err)
		}
		r.awaitReady(l.ID)
		ours += time.Since(began)
		_ = r.engine.Kill(context.Background(), l.ID)
		r.await(l.ID, kigo.RunExited)
		_ = r.engine.Remove(context.Background(), l.ID)
		plain += runPlain(b, r, bundle, string(l.ID))
	}
	n := time.Duration(b.N)
	b.ReportMetric(float64((ours/n).Microseconds())/1000, "ms-dyno")
	b.ReportMetric(float64((plain/n).Microseconds())/1000, "ms-runc")
	b.ReportMetric(float64(ours)/float64(plain), "dyno_start_vs_runc")
}

// awaitReady spins as runPlain does.
func (r *rig) awaitReady(id kigo.DynoID) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	_ = r.engine.Watch(ctx, func(s kigo.RunStatus) {
		if s.ID == id && s.State == kigo.RunReady {
			cancel()
		}
	})
}

func plainBundle(b *testing.B, r *rig) string {
	b.Helper()
	l := r.launch("testapp", "serve")
	if err := r.engine.Prepare(context.Background(), l.Stack); err != nil {
		b.Fatal(err)
	}
	s := r.engine.Spec(l, "/nowhere")
	s.Process.Args = []string{"/bin/testapp", "serve"}
	s.Process.Cwd = "/"
	// Reachable by the container's root, whatever the modes above the data folder are.
	bundle, err := os.MkdirTemp("/var/tmp", "kigo-bench")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = os.RemoveAll(bundle) })
	_ = os.Chmod(bundle, 0o755)
	root := filepath.Join(bundle, "root")
	_ = os.Mkdir(root, 0o755)
	mount := filepath.Join(r.config.Dir, "mounts", strings.TrimPrefix(l.Stack.Digest, "sha256:"))
	if out, err := exec.Command("mount", "--bind", mount, root).CombinedOutput(); err != nil {
		b.Fatalf("%v %s", err, out)
	}
	b.Cleanup(func() { _ = exec.Command("umount", root).Run() })
	s.Root.Path = root
	for i := range s.Linux.Namespaces {
		s.Linux.Namespaces[i].Path = ""
	}
	var mounts []specs.Mount
	for _, m := range s.Mounts {
		if m.Type != "bind" {
			mounts = append(mounts, m)
		}
	}
	s.Mounts = mounts
	s.Linux.CgroupsPath = "/kigo_" + r.config.Instance + "/plain"
	data, err := json.Marshal(s)
	if err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(bundle, "config.json"), data, 0o600); err != nil {
		b.Fatal(err)
	}
	return bundle
}

func runPlain(b *testing.B, r *rig, bundle, id string) time.Duration {
	b.Helper()
	runc := func(args ...string) *exec.Cmd {
		cmd := exec.Command(r.config.Runtime, append([]string{"--root", filepath.Join(r.config.Dir, "plain")}, args...)...)
		cmd.Stderr = os.Stderr
		return cmd
	}
	began := time.Now()
	cmd := runc("run", "--detach", "--bundle", bundle, "--pid-file", bundle+"/pid", id)
	if err := cmd.Run(); err != nil {
		b.Fatal(err)
	}
	pid, _ := os.ReadFile(bundle + "/pid")
	for {
		v4, _ := os.ReadFile(fmt.Sprintf("/proc/%s/net/tcp", pid))
		v6, _ := os.ReadFile(fmt.Sprintf("/proc/%s/net/tcp6", pid))
		if strings.Contains(string(v4)+string(v6), ":1388 ") {
			break
		}
		<-time.After(500 * time.Microsecond)
	}
	took := time.Since(began)
	if err := runc("delete", "--force", id).Run(); err != nil {
		b.Fatal(err)
	}
	return took
}

// BenchmarkHundredAtOnce starts a hundred dynos side by side and tells how long
// until all are ready, and what one costs in memory: its shim and its process 1
// (proportional set size), and all that its control group is charged.
func BenchmarkHundredAtOnce(b *testing.B) {
	r := newRig(b)
	for b.Loop() {
		const n = 100
		began := time.Now()
		launches := make(chan kigo.Launch, n)
		for range n {
			l := r.launch("testapp", "serve")
			l.Port, l.Slug, l.Scratch = 5000, r.images.Slug, 4<<30
			go func() {
				if err := r.engine.Start(context.Background(), l); err != nil {
					b.Error(err)
				}
				launches <- l
			}()
		}
		var shims, inits, groups int64
		var ids []kigo.DynoID
		for range n {
			ids = append(ids, (<-launches).ID)
		}
		started := time.Since(began)
		for _, id := range ids {
			r.await(id, kigo.RunReady)
		}
		took := time.Since(began)
		for _, id := range ids {
			s, _ := r.engine.Status(context.Background(), id)
			stats, _ := r.engine.Stats(context.Background(), id)
			groups += stats.MemoryRSS
			inits += pss(s.Pid)
			shims += pss(parent(s.Pid))
		}
		b.ReportMetric(float64(started.Milliseconds()), "ms-all-started")
		b.ReportMetric(float64(took.Milliseconds()), "ms-all-ready")
		b.ReportMetric(float64(shims)/n, "kB-shim-pss")
		b.ReportMetric(float64(inits)/n, "kB-init-pss")
		b.ReportMetric(float64(groups)/n/1024, "kB-dyno-rss")
		for _, id := range ids {
			_ = r.engine.Kill(context.Background(), id)
		}
		for _, id := range ids {
			r.await(id, kigo.RunExited)
			_ = r.engine.Remove(context.Background(), id)
		}
	}
}

func pss(pid int) int64 {
	data, _ := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	for line := range strings.Lines(string(data)) {
		var n int64
		if c, _ := fmt.Sscanf(line, "Pss: %d kB", &n); c == 1 {
			return n
		}
	}
	return 0
}

func parent(pid int) int {
	data, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range strings.Lines(string(data)) {
		var n int
		if c, _ := fmt.Sscanf(line, "PPid: %d", &n); c == 1 {
			return n
		}
	}
	return 0
}
