package dyno

import (
	"strings"
	"testing"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/store"
)

func TestAMachineAdmitsWhatItHasRoomFor(t *testing.T) {
	size := func(name string) kigo.Size {
		s, err := kigo.FindSize(name)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	const gb = 1 << 30
	m := Machine{Total: 24 * gb, Available: 20 * gb}
	tests := []struct {
		name     string
		machine  Machine
		size     string
		promised Promised
		missing  string // empty: admitted
	}{
		{"an empty machine", m, "Basic", Promised{}, ""},
		{"200 small ones share it", m, "Basic", Promised{Shared: 200 * 512 << 20}, ""},
		{"but not any number", m, "Basic", Promised{Shared: 8 * 23 * gb}, "would be promised 184 GB of memory, and this machine has 23 GB for dynos"},
		{"dedicated ones are not shared", m, "Performance-L", Promised{Dedicated: 14 * gb}, "would be promised 28 GB"},
		{"one that is larger than the machine", m, "Performance-2XL", Promised{}, "Performance-2XL needs 126 GB of memory, and this machine has 23 GB for dynos"},
		{"memory that others use", Machine{Total: 24 * gb, Available: gb + 100<<20}, "Basic", Promised{}, "Basic needs 128 MB of free memory to start, and 100 MB of this machine's 24 GB are free"},
		{"a small machine keeps a sixteenth", Machine{Total: gb, Available: gb}, "Standard-2X", Promised{}, "this machine has 960 MB"},
		{"a disk that is almost full", Machine{Total: 24 * gb, Available: 20 * gb, DiskTotal: 100 * gb, DiskFree: gb}, "Basic", Promised{}, "1024 MB of this machine's disk are free, and 2048 MB are kept for the platform"},
		{"a disk with few files left", Machine{Total: 24 * gb, Available: 20 * gb, DiskTotal: 20 * gb, DiskFree: 19 * gb, Files: 1000, FilesFree: 7}, "Basic", Promised{}, "this machine's disk can hold 7 more files, and 50 are kept for the platform"},
		{"a disk with room", Machine{Total: 24 * gb, Available: 20 * gb, DiskTotal: 20 * gb, DiskFree: gb}, "Basic", Promised{}, ""},
		{"a machine that tells nothing", Machine{}, "Performance-2XL", Promised{}, ""},
	}
	for _, tt := range tests {
		err := tt.machine.Admit(size(tt.size), tt.promised)
		switch {
		case tt.missing == "" && err != nil:
			t.Errorf("%s: %v", tt.name, err)
		case tt.missing != "" && (err == nil || !strings.Contains(err.Error(), tt.missing)):
			t.Errorf("%s: %v, want %q", tt.name, err, tt.missing)
		}
	}
}

func TestADynoWithoutRoomSaysSoOnceAndStartsWhenThereIs(t *testing.T) {
	b := newBench(t)
	b.setMachine(Machine{Total: 1 << 30, Available: 0})
	d := b.create(kigo.Dyno{Type: "web", Number: 1, Command: "./web"})
	b.until("a reason", func() bool { return strings.HasPrefix(b.row(d.ID).Reason, "No room: Basic needs 128 MB") })
	b.agent.Mark(d.ID)
	b.setMachine(Machine{Total: 1 << 30, Available: 1 << 30})
	b.agent.Mark(d.ID)
	b.ready(d.ID)
	if r := b.row(d.ID).Reason; r != "" {
		t.Errorf("an up dyno has reason %q", r)
	}
	said := 0
	for _, l := range b.logs.since(0) {
		if strings.Contains(l, "Error R99 (Platform error) -> No room for this dyno: Basic needs") {
			said++
		}
	}
	if said != 1 {
		t.Errorf("said %d times", said)
	}
}

func TestLaunchesUnderWayCountForTheNextOne(t *testing.T) {
	b := newBench(t)
	// Room for one Basic that is promised at most 8 × 960 MB in all: 15 of them.
	b.setMachine(Machine{Total: 1 << 30, Available: 1 << 30})
	for n := range 16 {
		b.create(kigo.Dyno{Type: "web", Number: n + 1, Command: "./web"})
	}
	b.until("one to wait", func() bool {
		waiting := 0
		_ = b.agent.Store.View(t.Context(), func(tx *store.Tx) error {
			all, err := tx.AllDynos()
			for _, d := range all {
				if d.Reason != "" {
					waiting++
				}
			}
			return err
		})
		b.engine.mu.Lock()
		launched := len(b.engine.launched)
		b.engine.mu.Unlock()
		return waiting == 1 && launched == 15
	})
}
