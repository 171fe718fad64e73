package e2e

import (
	"fmt"
	"hash/fnv"
	"os/exec"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// far puts a network behind this machine with one address in a private range that
// answers at port 5432, and sets the variable FAR to it. It goes with the script.
func far(ts *testscript.TestScript, _ bool, _ []string) {
	h := fnv.New32a()
	_, _ = h.Write([]byte(ts.Getenv("APP")))
	name := fmt.Sprintf("kf%08x", h.Sum32())
	address := fmt.Sprintf("172.28.%d.%d", h.Sum32()>>8&0xff, h.Sum32()&0xff)
	run := func(script string) {
		if out, err := exec.Command("sh", "-ec", script).CombinedOutput(); err != nil {
			ts.Fatalf("%s: %v\n%s", script, err, out)
		}
	}
	ts.Defer(func() { _ = exec.Command("ip", "netns", "del", name).Run() })
	run(strings.NewReplacer("NAME", name, "ADDRESS", address).Replace(`
ip netns add NAME
ip link add NAME type veth peer name eth0 netns NAME
ip link set NAME up
ip route add ADDRESS/32 dev NAME
ip -n NAME addr add ADDRESS/32 dev eth0
ip -n NAME link set eth0 up
ip -n NAME route add default dev eth0`))
	server := exec.Command("ip", "netns", "exec", name, "busybox", "nc", "-ll", "-p", "5432", "-e", "echo", "here")
	ts.Check(server.Start())
	ts.Defer(func() { _ = server.Process.Kill(); _ = server.Wait() })
	ts.Setenv("FAR", address)
}
