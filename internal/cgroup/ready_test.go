package cgroup

import (
	"os"
	"testing"

	"github.com/kigo-dev/kigo/internal/testenv"
)

func TestMakingReadyLeavesThisProcessWhereItIs(t *testing.T) {
	testenv.NeedsRoot(t)
	before, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		t.Fatal(err)
	}
	if err := MakeReady(); err != nil {
		t.Error(err)
	}
	if after, err := os.ReadFile("/proc/self/cgroup"); err != nil || string(after) != string(before) {
		t.Errorf("moved from %s to %s, %v", before, after, err)
	}
}

func TestTheOwnGroupIsFound(t *testing.T) {
	for _, c := range []struct {
		own, want string
		v2        bool
	}{
		{"0::/system.slice/kigo.service\n", root + "/system.slice/kigo.service", true},
		{"9:name=systemd:/\n8:memory:/a\n7:pids:/b\n0::/\n", root + "/pids/b", false},
		{"0::/\n", root + "/", true},
		{"1:cpu:/\n", root, false},
		{"", root, true},
	} {
		if got := ownFolder(c.own, c.v2); got != c.want && got+"/" != c.want {
			t.Errorf("%q: %s, want %s", c.own, got, c.want)
		}
	}
}
