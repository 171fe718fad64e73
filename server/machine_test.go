package server

import (
	"testing"

	"github.com/kigo-dev/kigo/dyno"
)

func TestTheMachinesMemoryIsRead(t *testing.T) {
	got := parseMachine("MemTotal:       24688296 kB\nMemFree:         1 kB\nMemAvailable:   20000000 kB\nHugePages_Total:       0\n")
	if want := (dyno.Machine{Total: 24688296 << 10, Available: 20000000 << 10}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	m := machineWith(t.TempDir())()
	if m.Total <= 0 || m.Available <= 0 || m.Available > m.Total || m.DiskTotal <= 0 || m.DiskFree <= 0 || m.DiskFree > m.DiskTotal {
		t.Errorf("this machine: %+v", m)
	}
}
