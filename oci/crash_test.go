package oci_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/dyno/enginetest"
	"github.com/kigo-dev/kigo/dyno/shim"
	"github.com/kigo-dev/kigo/oci"
)

// helperVariable makes this test program a small server with an engine, which
// TestADynoOutlivesItsServer kills.
const helperVariable = "KIGO_TEST_ENGINE"

type helperOrder struct {
	Dir, Instance, Runtime string
	Subnet                 netip.Prefix
	Stack                  string // file of the one image
	Launch                 kigo.Launch
}

func TestMain(m *testing.M) {
	if os.Getenv(helperVariable) != "" {
		os.Exit(helper(os.Stdin, os.Stdout))
	}
	os.Exit(m.Run())
}

// helper starts one launch, says so, and waits to be killed.
func helper(in io.Reader, out io.Writer) int {
	var o helperOrder
	if err := json.NewDecoder(in).Decode(&o); err != nil {
		return complain(out, err)
	}
	ctx := context.Background()
	engine, err := oci.New(ctx, oci.Config{
		Dir: o.Dir, Instance: o.Instance, Runtime: o.Runtime, Subnet: o.Subnet,
		Images: func(string) (string, error) { return o.Stack, nil },
	})
	if err != nil {
		return complain(out, err)
	}
	if err := engine.Start(ctx, o.Launch); err != nil {
		return complain(out, err)
	}
	_, _ = io.WriteString(out, "started\n")
	select {}
}

func complain(out io.Writer, err error) int {
	_, _ = io.WriteString(out, err.Error()+"\n")
	return 1
}

func TestADynoOutlivesItsServer(t *testing.T) {
	r := newRig(t)
	l := r.launch("sh", "-c", "i=0; (while :; do echo tick $i; i=$((i+1)); sleep 0.01; done) & exec testapp serve")
	l.Port = 5000
	r.engine.Close()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), helperVariable+"=1")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stack, _ := r.images.Find(r.images.Stack.Digest)
	c := r.config
	if err := json.NewEncoder(in).Encode(helperOrder{c.Dir, c.Instance, c.Runtime, c.Subnet, stack, l}); err != nil {
		t.Fatal(err)
	}
	line, _ := bufio.NewReader(out).ReadString('\n')
	if line != "started\n" {
		t.Fatalf("the server said %q", line)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	r.engine = open(t, r.config)
	s := r.await(l.ID, kigo.RunReady)
	conn, err := net.DialTimeout("tcp", s.Address+":5000", 5*time.Second)
	if err != nil {
		t.Fatalf("the dyno does not answer after its server was killed: %v", err)
	}
	_ = conn.Close()
	r.awaitLine(l.ID, "tick 100")
	var last uint64
	if err := r.engine.Kill(t.Context(), l.ID); err != nil {
		t.Fatal(err)
	}
	r.await(l.ID, kigo.RunExited)
	if err := r.engine.Logs(t.Context(), l.ID, 0, func(l kigo.OutputLine) {
		if l.Seq != last+1 || l.Dropped != 0 {
			t.Errorf("line %d after %d", l.Seq, last)
		}
		last = l.Seq
	}); err != nil {
		t.Fatal(err)
	}
	if err := r.engine.Remove(t.Context(), l.ID); err != nil {
		t.Fatal(err)
	}
}

func TestADynoWhoseKeeperAndServerAreGoneCanStillWrite(t *testing.T) {
	r := newRig(t)
	l := r.launch("sh", "-c", "i=0; while :; do echo tick; i=$((i+1)); echo $i > /app/progress; sleep 0.01; done")
	r.start(l)
	r.engine.Close()
	bundle := filepath.Join(r.config.Dir, "dynos", string(l.ID))
	var s shim.State
	if err := shim.ReadJSON(bundle, shim.StateFile, &s); err != nil {
		t.Fatal(err)
	}
	_ = unix.Kill(s.ShimPid, unix.SIGKILL)
	progress := func() (n int) {
		data, _ := os.ReadFile(filepath.Join(bundle, "disk", "app", "progress"))
		_, _ = fmt.Sscan(string(data), &n)
		return n
	}
	deadline := time.Now().Add(enginetest.Deadline)
	for first := progress(); progress() < first+20; <-time.After(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it wrote %d lines and stopped at %d", first, progress())
		}
	}
	r.engine = open(t, r.config)
	r.await(l.ID, kigo.RunLost)
	if err := r.engine.Remove(t.Context(), l.ID); err != nil {
		t.Error(err)
	}
}
