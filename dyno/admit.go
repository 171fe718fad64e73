package dyno

import (
	"fmt"

	"github.com/kigo-dev/kigo"
)

// Machine is the memory that this node has, and its data folder's disk, in bytes.
type Machine struct {
	Total     int64
	Available int64 // without pushing out what runs
	DiskTotal int64 // 0: unknown
	DiskFree  int64
	Files     int64 // that the disk can hold; 0: unknown, or as many as there is space for
	FilesFree int64
}

// diskReserve is what stays free of the disk: the disks of dynos are sparse, and
// together may be larger than the machine's.
func (m Machine) diskReserve() int64 { return min(m.DiskTotal/20, 2<<30) }

// Overcommit is how many times the machine's memory the quotas of dynos of shared
// sizes may add up to: most use a small part of theirs. Dedicated sizes are not shared.
const Overcommit = 8

// reserve is what the platform itself and the kernel keep.
func (m Machine) reserve() int64 { return min(m.Total/16, 1<<30) }

// filesReserve is how many more files the disk has to be able to hold.
func (m Machine) filesReserve() int64 { return min(m.Files/20, 100_000) }

// DiskRoom reports that what is left of the disk is kept for the platform itself: its
// database goes on when nothing else is stored any more.
func (m Machine) DiskRoom() error {
	switch {
	case m.DiskTotal > 0 && m.DiskFree < m.diskReserve():
		return fmt.Errorf("%s of this machine's disk are free, and %s are kept for the platform", mega(max(0, m.DiskFree)), mega(m.diskReserve()))
	case m.Files > 0 && m.FilesFree < m.filesReserve():
		return fmt.Errorf("this machine's disk can hold %d more files, and %d are kept for the platform", max(0, m.FilesFree), m.filesReserve())
	}
	return nil
}

// Promised is the sum of the quotas of what runs.
type Promised struct{ Shared, Dedicated int64 }

func (p *Promised) add(s kigo.Size) {
	if s.Dedicated {
		p.Dedicated += s.Memory
	} else {
		p.Shared += s.Memory
	}
}

// Fits reports why no dyno of a size could start, were it the only one.
func (m Machine) Fits(size kigo.Size) error {
	if usable := m.Total - m.reserve(); m.Total != 0 && size.Memory > usable {
		return fmt.Errorf("%s needs %s of memory, and this machine has %s for dynos", size.Name, mega(size.Memory), mega(usable))
	}
	return nil
}

// Admit reports what is missing for one more dyno of a size; nil when nothing is.
// It is a pure function of what it is given.
func (m Machine) Admit(size kigo.Size, p Promised) error {
	usable := m.Total - m.reserve()
	expected := size.Memory
	if !size.Dedicated {
		expected /= 4 // at its start
	}
	p.add(size)
	switch {
	case m.DiskRoom() != nil:
		return m.DiskRoom()
	case m.Total == 0: // unknown
		return nil
	case m.Fits(size) != nil:
		return m.Fits(size)
	case p.Dedicated+p.Shared/Overcommit > usable:
		return fmt.Errorf("with one more %s, dynos would be promised %s of memory, and this machine has %s for dynos",
			size.Name, mega(p.Dedicated+p.Shared), mega(usable))
	case m.Available-m.reserve() < expected:
		return fmt.Errorf("%s needs %s of free memory to start, and %s of this machine's %s are free", size.Name, mega(expected),
			mega(max(0, m.Available-m.reserve())), mega(m.Total))
	}
	return nil
}

func mega(n int64) string {
	if n >= 10<<30 {
		return fmt.Sprintf("%d GB", n>>30)
	}
	return fmt.Sprintf("%d MB", n>>20)
}
