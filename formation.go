package kigo

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Formation is one process type's share of an app: how many dynos, how large.
type Formation struct {
	ID        string
	App       AppID
	Type      string
	Quantity  int
	Size      string // canonical size name, such as "Standard-1X"
	Command   string // from the current slug; empty when the slug has no such type
	CreatedAt time.Time
	UpdatedAt time.Time
}

// MaxQuantity bounds the dynos of one type. Heroku allows 100; here the machine decides, and
// this stops slips of the keyboard.
const MaxQuantity = 500

// MaxProcessTypes bounds the process types of one app.
const MaxProcessTypes = 100

// MaxCommand is how many bytes the command of a process may have.
const MaxCommand = 16 << 10

var processType = regexp.MustCompile(`^[A-Za-z0-9_-]{1,63}$`)

// ValidProcessType reports whether name may be a process type.
func ValidProcessType(name string) bool { return processType.MatchString(name) }

// Size is a dyno size: what one dyno of it may use.
type Size struct {
	Name       string
	Memory     int64 // bytes, an exact power of two where Heroku's is
	CPUShares  int   // weight against other dynos, 1x = 1024
	CPUQuota   int   // hard limit in thousandths of a core; 0: none
	Pids       int   // processes and threads
	Compute    int   // Heroku's compute units, for the API
	Dedicated  bool
	Sleeps     bool // idles after 30 minutes without requests
	CentsMonth int
	DiskBytes  int64 // 0: by its memory
}

// Disk is how much a dyno of the size may write to /app and /tmp together: eight
// times its memory, and no more than 64 GiB, unless its operator said DiskBytes.
func (s Size) Disk() int64 {
	if s.DiskBytes > 0 {
		return s.DiskBytes
	}
	return min(8*s.Memory, 64<<30)
}

// Sizes is every size, smallest first (Heroku's dyno types, 2024-06), and what
// DefineSizes has added.
var Sizes = []Size{
	{Name: "Eco", Memory: 512 << 20, CPUShares: 1024, Pids: 256, Compute: 1, Sleeps: true, CentsMonth: 500},
	{Name: "Basic", Memory: 512 << 20, CPUShares: 1024, Pids: 256, Compute: 1, CentsMonth: 700},
	{Name: "Standard-1X", Memory: 512 << 20, CPUShares: 1024, Pids: 256, Compute: 1, CentsMonth: 2500},
	{Name: "Standard-2X", Memory: 1 << 30, CPUShares: 2048, Pids: 512, Compute: 2, CentsMonth: 5000},
	{Name: "Performance-M", Memory: 2560 << 20, CPUShares: 12288, CPUQuota: 2000, Pids: 16384, Compute: 12, Dedicated: true, CentsMonth: 25000},
	{Name: "Performance-L", Memory: 14 << 30, CPUShares: 51200, CPUQuota: 8000, Pids: 32768, Compute: 50, Dedicated: true, CentsMonth: 50000},
	{Name: "Performance-L-RAM", Memory: 30 << 30, CPUShares: 24576, CPUQuota: 4000, Pids: 32768, Compute: 24, Dedicated: true, CentsMonth: 50000},
	{Name: "Performance-XL", Memory: 62 << 30, CPUShares: 51200, CPUQuota: 8000, Pids: 32768, Compute: 50, Dedicated: true, CentsMonth: 75000},
	{Name: "Performance-2XL", Memory: 126 << 30, CPUShares: 102400, CPUQuota: 16000, Pids: 32768, Compute: 100, Dedicated: true, CentsMonth: 150000},
}

// DefaultSize is what a new app's dynos are.
const DefaultSize = "Basic"

// DefineSizes adds sizes of the operator's own, or replaces those of the same name. It is called
// once, before anything else reads Sizes.
func DefineSizes(more []Size) {
	for _, m := range more {
		i := slices.IndexFunc(Sizes, func(s Size) bool { return strings.EqualFold(s.Name, m.Name) })
		if i >= 0 {
			Sizes[i] = m
			continue
		}
		Sizes = append(Sizes, m)
	}
	slices.SortStableFunc(Sizes, func(a, b Size) int { return cmp.Compare(a.Memory, b.Memory) })
}

// FindSize returns the size of that name, in any case of letters.
func FindSize(name string) (Size, error) {
	for _, s := range Sizes {
		if strings.EqualFold(s.Name, name) {
			return s, nil
		}
	}
	return Size{}, Invalid("No such dyno size: %s. Sizes are %s.", name, sizeNames())
}

func sizeNames() string {
	names := make([]string, len(Sizes))
	for i, s := range Sizes {
		names[i] = s.Name
	}
	return strings.Join(names, ", ")
}
