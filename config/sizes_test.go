package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kigo-dev/kigo"
)

func TestSizesOfTheOperator(t *testing.T) {
	c := Default()
	c.Sizes = []Size{{Name: "Tiny", Memory: "64MB", Sleeps: true}, {Name: "Huge", Memory: "1.5GB", CPU: 4, Cores: 2.5, Pids: 1000, Disk: "10GB", Cents: 1}}
	got, err := c.OwnSizes()
	want := []kigo.Size{
		{Name: "Tiny", Memory: 64 << 20, CPUShares: 128, Pids: 256, Compute: 1, Sleeps: true},
		{Name: "Huge", Memory: 1536 << 20, CPUShares: 4096, CPUQuota: 2500, Pids: 1000, Compute: 4, CentsMonth: 1, DiskBytes: 10 << 30},
	}
	if d := cmp.Diff(want, got); err != nil || d != "" {
		t.Errorf("%v %s", err, d)
	}
}

func TestABadSizeIsNamed(t *testing.T) {
	for text, s := range map[string]Size{
		`memory "lots" is not an amount`: {Name: "A", Memory: "lots"},
		`memory "1MB"`:                   {Name: "A", Memory: "1MB"},
		`memory ""`:                      {Name: "A"},
		`name "a b"`:                     {Name: "a b", Memory: "1GB"},
		`disk "x"`:                       {Name: "A", Memory: "1GB", Disk: "x"},
		`cpu -1`:                         {Name: "A", Memory: "1GB", CPU: -1},
		`cores 9999`:                     {Name: "A", Memory: "1GB", Cores: 9999},
		`pids 3`:                         {Name: "A", Memory: "1GB", Pids: 3},
		`cents -1`:                       {Name: "A", Memory: "1GB", Cents: -1},
		`there are two of that name`:     {Name: "ok", Memory: "1GB"},
	} {
		c := Default()
		c.Sizes = []Size{{Name: "OK", Memory: "1GB"}, s}
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), text) || !strings.Contains(err.Error(), "sizes[1]") {
			t.Errorf("%+v: %v, want %q", s, err, text)
		}
	}
}
