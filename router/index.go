package router

import (
	"encoding/binary"
	"hash/maphash"
	"math"
	"sync/atomic"
)

// index leads from millions of host names to the numbers of their apps. It is a
// flat table of open addressing without pointers, in shards: the collector never
// looks into it, a reader takes no lock, a change touches one slot. Who changes
// it holds the table's lock.
type index struct {
	seed   maphash.Seed
	shards [indexShards]atomic.Pointer[shard]
	size   int // hosts
}

const indexShards = 512

// shard holds a slot and an entry for each host. What a slot leads to never
// changes: another owner gets another entry. Old ones go when the shard is made
// anew.
type shard struct {
	slots []atomic.Uint64 // high half of the hash, and an entry's place + entryBase
	text  []byte          // entries: number of the app, length, host
	live  int             // hosts
	taken int             // slots that are not empty
	used  int             // bytes of text
	dead  int             // of these, of entries that nothing leads to
}

const (
	slotRemoved = 1 // a slot whose host has gone; 0: never used
	entryBase   = 2
	entryHead   = 5
	hostMost    = 253
)

func (x *index) hash(host string) uint64 { return maphash.String(x.seed, host) }

// find returns the number of the app of a host, whose hash is h.
func (x *index) find(h uint64, host string) (app uint32, ok bool) {
	s := x.shards[h%indexShards].Load()
	if s == nil {
		return 0, false
	}
	slot := s.find(h, host)
	if slot < 0 {
		return 0, false
	}
	return binary.LittleEndian.Uint32(s.entry(s.slots[slot].Load())), true
}

func (x *index) lookup(host string) (app uint32, ok bool) { return x.find(x.hash(host), host) }

// owned is the slot of the host with hash h when it leads to app, else -1.
func (x *index) owned(h uint64, app uint32) (s *shard, slot int) {
	if s = x.shards[h%indexShards].Load(); s == nil {
		return nil, -1
	}
	return s, s.search(h, func(e []byte) bool {
		return binary.LittleEndian.Uint32(e) == app && x.hash(hostOf(e)) == h
	})
}

// reserve makes room for hosts, of length bytes each on average, in an empty index.
func (x *index) reserve(hosts, length int) {
	const least = 32 * indexShards // of fewer, each shard grows soon enough
	if x.size > 0 || hosts < least {
		return
	}
	n := hosts / indexShards
	n += 4 * int(math.Sqrt(float64(n))) // chance gives some shards more than their share
	for i := range x.shards {
		x.shards[i].Store(newShard(n, n*(entryHead+length)))
	}
}

// put makes host lead to app.
func (x *index) put(h uint64, host string, app uint32) {
	s := x.shards[h%indexShards].Load()
	if need := entryHead + len(host); s == nil || s.used+need > len(s.text) || (s.taken+1)*8 > len(s.slots)*7 {
		s = x.remade(s, need)
		defer x.shards[h%indexShards].Store(s)
	}
	if s.add(h, host, app) {
		x.size++
	}
}

// remove forgets the host with hash h that leads to app.
func (x *index) remove(h uint64, app uint32) {
	if s, slot := x.owned(h, app); slot >= 0 {
		s.dead += entryHead + int(s.entry(s.slots[slot].Load())[4])
		s.slots[slot].Store(slotRemoved)
		s.live--
		x.size--
	}
}

// remade copies what lives into a shard with room for need bytes more.
func (x *index) remade(old *shard, need int) *shard {
	if old == nil {
		return newShard(8, max(need, 256))
	}
	bytes := old.used - old.dead
	s := newShard(old.live+1, bytes+bytes/5+max(need, 256))
	old.each(func(e []byte) { s.add(x.hash(hostOf(e)), hostOf(e), binary.LittleEndian.Uint32(e)) })
	return s
}

func newShard(hosts, bytes int) *shard {
	return &shard{slots: make([]atomic.Uint64, max(8, hosts*3/2)), text: make([]byte, bytes)}
}

func (s *shard) add(h uint64, host string, app uint32) (fresh bool) {
	slot := s.find(h, host)
	if fresh = slot < 0; fresh {
		for slot = s.place(h); s.slots[slot].Load() != 0; slot = (slot + 1) % len(s.slots) {
		}
		s.live++
		s.taken++
	} else {
		s.dead += entryHead + len(host)
	}
	e := s.text[s.used:]
	binary.LittleEndian.PutUint32(e, app)
	e[4] = byte(len(host))
	copy(e[entryHead:], host)
	s.slots[slot].Store(h>>32<<32 | uint64(s.used+entryBase))
	s.used += entryHead + len(host)
	return fresh
}

// find is the slot of a host, or -1.
func (s *shard) find(h uint64, host string) int {
	i := s.place(h)
	for {
		v := s.slots[i].Load()
		if v == 0 {
			return -1
		}
		if v>>32 == h>>32 && v != slotRemoved {
			if e := s.entry(v); int(e[4]) == len(host) && string(e[entryHead:entryHead+len(host)]) == host {
				return i
			}
		}
		if i++; i == len(s.slots) {
			i = 0
		}
	}
}

// search is the slot whose entry is the one meant, or -1.
func (s *shard) search(h uint64, meant func(entry []byte) bool) int {
	for i := s.place(h); ; {
		v := s.slots[i].Load()
		if v == 0 {
			return -1
		}
		if v>>32 == h>>32 && v != slotRemoved && meant(s.entry(v)) {
			return i
		}
		if i++; i == len(s.slots) {
			i = 0
		}
	}
}

func (s *shard) place(h uint64) int { return int((h >> 32) * uint64(len(s.slots)) >> 32) }

func (s *shard) entry(slot uint64) []byte { return s.text[uint32(slot)-entryBase:] }

func (s *shard) each(f func(entry []byte)) {
	for i := range s.slots {
		if v := s.slots[i].Load(); v > slotRemoved {
			f(s.entry(v))
		}
	}
}

// hostOf lies in the entry, which never changes.
func hostOf(entry []byte) string { return textOf(entry[entryHead : entryHead+int(entry[4])]) }
