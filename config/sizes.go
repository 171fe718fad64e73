package config

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/kigo-dev/kigo"
)

// Size is a dyno size as an operator writes it in the settings file. Only name and
// memory are required.
type Size struct {
	Name   string  `json:"name"`
	Memory string  `json:"memory"` // such as "1.5GB" or "256MB", in powers of two
	CPU    float64 `json:"cpu"`    // share against other dynos, as Heroku's 1x and 2x; by default one for each 512 MB
	Cores  float64 `json:"cores"`  // how many cores it may use at most; by default all
	Pids   int     `json:"pids"`   // processes and threads; by default 256
	Disk   string  `json:"disk"`   // what it may write; by default eight times its memory
	Sleeps bool    `json:"sleeps"` // as Eco
	Cents  int     `json:"cents"`  // a month, for your own accounts; by default nothing
}

var (
	sizeName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{0,30}$`)
	amount   = regexp.MustCompile(`^([0-9]+(?:\.[0-9]+)?)(MB|GB)$`)
)

func parseAmount(s string) (int64, bool) {
	m := amount.FindStringSubmatch(s)
	if m == nil {
		return 0, false
	}
	n, err := strconv.ParseFloat(m[1], 64)
	unit := float64(1 << 20)
	if m[2] == "GB" {
		unit = 1 << 30
	}
	return int64(n * unit), err == nil && n*unit < 1<<50
}

// OwnSizes are the operator's sizes as the platform takes them.
func (c Config) OwnSizes() ([]kigo.Size, error) {
	var all []kigo.Size
	seen := map[string]bool{}
	for i, s := range c.Sizes {
		size, err := s.parse()
		if err != nil {
			return nil, fmt.Errorf("sizes[%d] (%s): %w", i, s.Name, err)
		}
		key := strings.ToLower(s.Name)
		if seen[key] {
			return nil, fmt.Errorf("sizes[%d] (%s): there are two of that name", i, s.Name)
		}
		seen[key] = true
		all = append(all, size)
	}
	return all, nil
}

func (s Size) parse() (kigo.Size, error) {
	memory, ok := parseAmount(s.Memory)
	disk, diskOK := parseAmount(s.Disk)
	switch {
	case !sizeName.MatchString(s.Name):
		return kigo.Size{}, fmt.Errorf("name %q is not 1 to 31 letters, digits and dashes that begin with a letter", s.Name)
	case !ok || memory < 16<<20:
		return kigo.Size{}, fmt.Errorf("memory %q is not an amount from 16MB, such as 512MB or 1.5GB", s.Memory)
	case s.Disk != "" && (!diskOK || disk < 16<<20):
		return kigo.Size{}, fmt.Errorf("disk %q is not an amount from 16MB, such as 10GB", s.Disk)
	case s.CPU < 0 || s.CPU > 1000:
		return kigo.Size{}, fmt.Errorf("cpu %v is not between 0 and 1000", s.CPU)
	case s.Cores < 0 || s.Cores > 1024:
		return kigo.Size{}, fmt.Errorf("cores %v is not between 0 and 1024", s.Cores)
	case s.Pids != 0 && (s.Pids < 16 || s.Pids > 1<<20):
		return kigo.Size{}, fmt.Errorf("pids %d is not between 16 and %d", s.Pids, 1<<20)
	case s.Cents < 0:
		return kigo.Size{}, fmt.Errorf("cents %d is less than nothing", s.Cents)
	}
	share := s.CPU
	if share == 0 {
		share = float64(memory) / (512 << 20)
	}
	size := kigo.Size{Name: s.Name, Memory: memory, CPUShares: max(2, int(share*1024)), CPUQuota: int(s.Cores * 1000), Pids: s.Pids,
		Compute: max(1, int(share)), Sleeps: s.Sleeps, CentsMonth: s.Cents, DiskBytes: disk}
	if size.Pids == 0 {
		size.Pids = 256
	}
	return size, nil
}
