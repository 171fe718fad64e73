package router

import (
	"encoding/binary"
	"hash/maphash"
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
}

const (
	slotRemoved = 1 // a slot whose host has gone; 0: never used
	entryBase   = 2
	entryHead   = 5
	hostMost    = 253
)

func (x *index) hash(host []byte) uint64 { return maphash.Bytes(x.seed, host) }

// find returns the number of a host's app.
func (x *index) find(host []byte) (app uint32, ok bool) {
	h := x.hash(host)
	s := x.shards[h%indexShards].Load()
	if s == nil {
		return 0, false
	}
	slot := s.find(h, func(e []byte) bool {
		return int(e[4]) == len(host) && string(e[entryHead:entryHead+len(host)]) == string(host)
	})
	if slot < 0 {
		return 0, false
	}
	return binary.LittleEndian.Uint32(s.entry(s.slots[slot].Load())), true
}

// owned is the slot of the host with hash h when it leads to app, else -1.
func (x *index) owned(h uint64, app uint32) (s *shard, slot int) {
	if s = x.shards[h%indexShards].Load(); s == nil {
		return nil, -1
	}
	return s, s.find(h, func(e []byte) bool {
		return binary.LittleEndian.Uint32(e) == app && x.hash(hostOf(e)) == h
	})
}

// put makes host lead to app.
func (x *index) put(h uint64, host []byte, app uint32) {
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
		s.slots[slot].Store(slotRemoved)
		s.live--
		x.size--
	}
}

// remade copies what lives into a shard with room for need bytes more.
func (x *index) remade(old *shard, need int) *shard {
	live, bytes := 0, 0
	if old != nil {
		old.each(func(e []byte) { live++; bytes += entryHead + int(e[4]) })
	}
	s := &shard{slots: make([]atomic.Uint64, max(8, live*3/2+1)), text: make([]byte, bytes+bytes/5+max(need, 256))}
	if old != nil {
		old.each(func(e []byte) { s.add(x.hash(hostOf(e)), hostOf(e), binary.LittleEndian.Uint32(e)) })
	}
	return s
}

func (s *shard) add(h uint64, host []byte, app uint32) (fresh bool) {
	slot := s.find(h, func(e []byte) bool { return string(hostOf(e)) == string(host) })
	if fresh = slot < 0; fresh {
		for slot = s.place(h); s.slots[slot].Load() != 0; slot = (slot + 1) % len(s.slots) {
		}
		s.live++
		s.taken++
	}
	e := s.text[s.used:]
	binary.LittleEndian.PutUint32(e, app)
	e[4] = byte(len(host))
	copy(e[entryHead:], host)
	s.slots[slot].Store(h>>32<<32 | uint64(s.used+entryBase))
	s.used += entryHead + len(host)
	return fresh
}

// find is the slot whose entry is the one meant, or -1.
func (s *shard) find(h uint64, meant func(entry []byte) bool) int {
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

func hostOf(entry []byte) []byte { return entry[entryHead : entryHead+int(entry[4])] }
