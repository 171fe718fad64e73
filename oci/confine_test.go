package oci_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/oci"
)

func TestADynoIsConfinedAsSeenFromTheHost(t *testing.T) {
	r := newRig(t)
	l := r.launch("testapp", "trap")
	r.start(l)
	r.awaitLine(l.ID, "ready")
	status, err := r.engine.Status(t.Context(), l.ID)
	if err != nil {
		t.Fatal(err)
	}
	pids := append([]int{status.Pid}, children(t, status.Pid)...)
	if len(pids) != 2 {
		t.Fatalf("processes %v, want two", pids)
	}
	for _, pid := range pids {
		want := map[string]string{
			"Uid": uids(l), "Gid": uids(l), "Groups": "", "NoNewPrivs": "1", "Seccomp": "2",
			"CapInh": zero, "CapPrm": zero, "CapEff": zero, "CapBnd": zero, "CapAmb": zero,
		}
		if diff := cmp.Diff(want, procStatus(t, pid, want)); diff != "" {
			t.Errorf("process %d (-want +got):\n%s", pid, diff)
		}
		for _, ns := range []string{"cgroup", "ipc", "mnt", "net", "pid", "user", "uts"} {
			if namespace(t, pid, ns) == namespace(t, os.Getpid(), ns) {
				t.Errorf("process %d shares the host's %s namespace", pid, ns)
			}
		}
		if got := strings.TrimSpace(read(t, pid, "oom_score_adj")); got != "500" {
			t.Errorf("process %d: oom_score_adj %s", pid, got)
		}
		if got := read(t, pid, "cgroup"); !strings.Contains(got, "/kigo_"+r.config.Instance+"/"+string(l.ID)) {
			t.Errorf("process %d: control groups %s", pid, got)
		}
	}
	if got := strings.Fields(read(t, status.Pid, "uid_map")); !slices.Equal(got, []string{"0", fmt.Sprint(l.UIDBase), "65536"}) {
		t.Errorf("uid map %v", got)
	}
}

func TestADynosMountsAreReadOnlyOrItsOwn(t *testing.T) {
	r := newRig(t)
	l := r.launch("testapp", "trap")
	l.Slug = r.images.Slug
	r.start(l)
	status, err := r.engine.Status(t.Context(), l.ID)
	if err != nil {
		t.Fatal(err)
	}
	var writable []string
	for line := range strings.Lines(read(t, status.Pid, "mountinfo")) {
		fields := strings.Fields(line)
		target, options := fields[4], strings.Split(fields[5], ",")
		if strings.HasPrefix(target, "/proc/") { // masked: /dev/null or an empty folder, or the same read-only
			if fields[3] != "/null" && !slices.Contains(options, "ro") {
				t.Errorf("%s is open: %s", target, line)
			}
			continue
		}
		if !slices.Contains(options, "ro") {
			writable = append(writable, target)
		}
		if device := strings.HasPrefix(target, "/dev/") && target != "/dev/pts" && target != "/dev/shm"; !slices.Contains(options, "nosuid") && !device {
			t.Errorf("%s is mounted without nosuid: %s", target, fields[5])
		}
	}
	slices.Sort(writable)
	want := []string{"/app", "/dev", "/dev/full", "/dev/null", "/dev/pts", "/dev/random", "/dev/shm", "/dev/tty", "/dev/urandom", "/dev/zero", "/proc", "/tmp"}
	if diff := cmp.Diff(want, slices.Compact(writable)); diff != "" {
		t.Errorf("writable mounts (-want +got):\n%s", diff)
	}
}

func TestADynoReachesNeitherTheHostNorAnotherDyno(t *testing.T) {
	r := newRig(t)
	listener, err := net.Listen("tcp4", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	port := listener.Addr().(*net.TCPAddr).Port
	other := r.launch("testapp", "serve")
	other.Port = 5000
	r.start(other)
	address := r.await(other.ID, kigo.RunReady).Address
	own, err := net.DialTimeout("tcp", address+":5000", 5*time.Second)
	if err != nil {
		t.Fatalf("the host does not reach a dyno: %v", err)
	}
	_ = own.Close()
	gateway := own.LocalAddr().(*net.TCPAddr).IP
	targets := []string{
		fmt.Sprintf("%s:%d", gateway, port), address + ":5000", "169.254.169.254:80", "10.0.0.1:80", "192.168.1.1:80",
		fmt.Sprintf("udp:%s:%d", gateway, port),
	}
	got := r.output(append([]string{"testapp", "connect"}, targets[:5]...)...)
	for line := range strings.Lines(got) {
		if !strings.HasPrefix(line, "closed") {
			t.Errorf("a dyno reaches %s", line)
		}
	}
	if n := strings.Count(got, "closed"); n != 5 {
		t.Errorf("tried %d of 5:\n%s", n, got)
	}
}

const zero = "0000000000000000"

func uids(l kigo.Launch) string {
	id := fmt.Sprint(l.UIDBase + oci.User)
	return strings.Join([]string{id, id, id, id}, "\t")
}

func procStatus(t *testing.T, pid int, names map[string]string) map[string]string {
	t.Helper()
	got := map[string]string{}
	for line := range strings.Lines(read(t, pid, "status")) {
		name, value, _ := strings.Cut(line, ":")
		if _, wanted := names[name]; wanted {
			got[name] = strings.TrimSpace(value)
		}
	}
	return got
}

func read(t *testing.T, pid int, name string) string {
	t.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func namespace(t *testing.T, pid int, name string) string {
	t.Helper()
	link, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/%s", pid, name))
	if err != nil {
		t.Fatal(err)
	}
	return link
}

func children(t *testing.T, pid int) []int {
	t.Helper()
	var pids []int
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, task := range tasks {
		data, _ := os.ReadFile(task)
		for _, word := range strings.Fields(string(data)) {
			var child int
			_, _ = fmt.Sscan(word, &child)
			pids = append(pids, child)
		}
	}
	return pids
}
