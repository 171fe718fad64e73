package oci_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/oci"
)

func TestAFullDiskIsTheDynosOwnTrouble(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	l := r.launch("sh", "-c", "dd if=/dev/zero of=/tmp/a bs=1M count=300 2>&1 | grep -c 'No space'; echo full; read x; rm /tmp/a; dd if=/dev/zero of=/app/b bs=1M count=20 2>/dev/null && echo fits; read x")
	l.Scratch, l.Stdin, l.Slug = 64<<20, true, r.images.Slug
	r.start(l)
	conn, err := r.engine.Attach(t.Context(), l.ID)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	read := lineReader(t, conn)
	if got := read() + " " + read(); got != "1 full" {
		t.Fatalf("output %q", got)
	}
	stats, err := r.engine.Stats(t.Context(), l.ID)
	if err != nil {
		t.Fatal(err)
	}
	if stats.DiskSize < 50<<20 || stats.DiskSize > 64<<20 || stats.Disk < stats.DiskSize*98/100 {
		t.Errorf("%d of %d bytes are used", stats.Disk, stats.DiskSize)
	}
	image := filepath.Join(r.config.Dir, "dynos", string(l.ID), "disk.img")
	if used := allocated(t, image); used > 70<<20 {
		t.Errorf("the disk takes %d bytes of the host's", used)
	}
	if _, err := conn.Write([]byte("\n")); err != nil {
		t.Fatal(err)
	}
	if got := read(); got != "fits" {
		t.Fatalf("after deleting: %q", got)
	}
}

func TestADynoThatMakesTooManyFilesIsStoppedByItsOwnDisk(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	l := r.launch("testapp", "litter", "/app")
	l.Scratch, l.Slug = 32<<20, r.images.Slug
	r.start(l)
	r.awaitLine(l.ID, "true")
	stats, err := r.engine.Stats(t.Context(), l.ID)
	if err != nil {
		t.Fatal(err)
	}
	if stats.Files != stats.MaxFiles || stats.MaxFiles > 4096 {
		t.Errorf("%d of %d files", stats.Files, stats.MaxFiles)
	}
}

func TestNothingOfADiskStays(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	l := r.launch("sh", "-c", "echo data > /tmp/x")
	l.Scratch = 32 << 20
	r.start(l)
	r.await(l.ID, kigo.RunExited)
	image := filepath.Join(r.config.Dir, "dynos", string(l.ID), "disk.img")
	eventually(t, "the loop device goes", func() bool {
		files, _ := filepath.Glob("/sys/block/loop*/loop/backing_file")
		for _, file := range files {
			if data, _ := os.ReadFile(file); strings.HasPrefix(string(data), image) {
				return false
			}
		}
		return true
	})
	if err := r.engine.Remove(context.Background(), l.ID); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the file goes", func() bool { _, err := os.Stat(filepath.Dir(image)); return os.IsNotExist(err) })
}

func TestWhenTheMachinesDiskIsFullTheLargestDynoEnds(t *testing.T) {
	t.Parallel()
	free := atomic.Int64{}
	free.Store(1 << 40)
	r := newRigWith(t, func(c *oci.Config) { c.Free = free.Load })
	small, large := r.launch("sh", "-c", "echo ready; sleep 1000"), r.launch("sh", "-c", "dd if=/dev/urandom of=/tmp/a bs=1M count=40 2>/dev/null; sync; echo ready; sleep 1000")
	for _, l := range []*kigo.Launch{&small, &large} {
		l.Scratch = 128 << 20
		r.start(*l)
		r.awaitLine(l.ID, "ready")
	}
	eventually(t, "the file grows", func() bool {
		return allocated(t, filepath.Join(r.config.Dir, "dynos", string(large.ID), "disk.img")) > 30<<20
	})
	free.Store(1 << 20)
	s := r.await(large.ID, kigo.RunExited)
	free.Store(1 << 40)
	if s.ExitCode != 137 || !strings.Contains(s.Reason, "disk, which was almost full") {
		t.Errorf("end of the large one: %+v", s)
	}
	if s, err := r.engine.Status(t.Context(), small.ID); err != nil || s.State != kigo.RunReady {
		t.Errorf("the small one: %+v, %v", s, err)
	}
}

func allocated(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Sys().(*syscall.Stat_t).Blocks * 512
}
