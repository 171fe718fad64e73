package router

import (
	"encoding/binary"
	"errors"
	"unsafe"

	"github.com/kigo-dev/kigo"
)

// An app as bytes: the lengths of its two parts, the part that the running app
// keeps, then its hosts, which only the index keeps. Within a part a number is a
// varint, a text its length and its bytes, a list its length and its elements.

const recordHead = 8 // lengths of both parts

var errRecord = errors.New("a record that cannot be read")

// Flags of an app.
const (
	recordReleased = 1 << iota
	recordMaintenance
	recordSuspended
	recordAffinity
	recordForceHTTPS
	recordFlags = 1<<iota - 1
)

func appendText[T ~string](b []byte, s T) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// appendApp adds an app's record to b.
func appendApp(b []byte, a *App) []byte {
	at := len(b)
	b = append(b, make([]byte, recordHead)...)
	b = appendText(appendText(b, a.ID), a.Name)
	flags := uint64(0)
	for i, set := range [...]bool{a.Released, a.Maintenance, a.Suspended, a.Affinity, a.ForceHTTPS} {
		if set {
			flags |= 1 << i
		}
	}
	b = binary.AppendUvarint(b, flags)
	b = appendText(appendText(b, a.ErrorPage), a.MaintenancePage)
	b = binary.AppendVarint(b, int64(a.WebQuantity))
	b = binary.AppendUvarint(b, uint64(len(a.Dynos)))
	for _, d := range a.Dynos {
		b = appendText(appendText(appendText(appendText(b, d.ID), d.Name), d.Addr), d.State)
	}
	b = binary.AppendUvarint(b, uint64(len(a.Challenges)))
	for _, c := range a.Challenges {
		b = appendText(appendText(appendText(b, c.Host), c.Token), c.Answer)
	}
	hosts := len(b)
	for _, h := range a.Hosts {
		b = appendText(b, h)
	}
	binary.LittleEndian.PutUint32(b[at:], uint32(hosts-at-recordHead))
	binary.LittleEndian.PutUint32(b[at+4:], uint32(len(b)-hosts))
	return b
}

// cutRecord splits the first record off b.
func cutRecord(b []byte) (record, rest []byte, err error) {
	if len(b) < recordHead {
		return nil, nil, errRecord
	}
	n := uint64(binary.LittleEndian.Uint32(b)) + uint64(binary.LittleEndian.Uint32(b[4:])) + recordHead
	if n > uint64(len(b)) {
		return nil, nil, errRecord
	}
	return b[:n], b[n:], nil
}

// recordID is the id of a record's app. It lies in the record.
func recordID(record []byte) kigo.AppID {
	c := cursor{s: textOf(record[recordHead:])}
	return kigo.AppID(c.text())
}

// readApp reads a whole record. Its hosts lie in the record, and are appended to
// hosts; all else is copied.
func readApp(record []byte, hosts []string) (a App, err error) {
	kept := int(binary.LittleEndian.Uint32(record))
	c := cursor{s: string(record[recordHead : recordHead+kept])}
	a.ID, a.Name = kigo.AppID(c.text()), c.text()
	flags := c.number()
	a.Released, a.Maintenance, a.Suspended = flags&recordReleased != 0, flags&recordMaintenance != 0, flags&recordSuspended != 0
	a.Affinity, a.ForceHTTPS = flags&recordAffinity != 0, flags&recordForceHTTPS != 0
	a.ErrorPage, a.MaintenancePage = c.text(), c.text()
	a.WebQuantity = int(c.signed())
	if n := c.count(4); n > 0 {
		a.Dynos = make([]Dyno, 0, n)
		for range n {
			a.Dynos = append(a.Dynos, Dyno{ID: kigo.DynoID(c.text()), Name: c.text(), Addr: c.text(), State: kigo.DynoState(c.text())})
		}
	}
	if n := c.count(3); n > 0 {
		a.Challenges = make([]Challenge, 0, n)
		for range n {
			a.Challenges = append(a.Challenges, Challenge{Host: c.text(), Token: c.text(), Answer: c.text()})
		}
	}
	names := cursor{s: textOf(record[recordHead+kept:])}
	for names.s != "" && !names.bad {
		hosts = append(hosts, names.text())
	}
	if c.bad || c.s != "" || names.bad || flags > recordFlags {
		return a, errRecord
	}
	a.Hosts = hosts
	return a, nil
}

// cursor reads from the front of s; after the first thing that cannot be read it
// is bad, and gives nothing.
type cursor struct {
	s   string
	bad bool
}

func (c *cursor) fail() { c.s, c.bad = "", true }

func (c *cursor) number() (n uint64) {
	for i := 0; i < len(c.s) && i < binary.MaxVarintLen64; i++ {
		b := c.s[i]
		n |= uint64(b&0x7f) << (7 * i)
		if b < 0x80 {
			if i == binary.MaxVarintLen64-1 && b > 1 {
				break
			}
			c.s = c.s[i+1:]
			return n
		}
	}
	c.fail()
	return 0
}

func (c *cursor) signed() int64 {
	n := c.number()
	return int64(n>>1) ^ -int64(n&1)
}

func (c *cursor) text() (s string) {
	n := c.number()
	if n > uint64(len(c.s)) {
		c.fail()
		return ""
	}
	s, c.s = c.s[:n], c.s[n:]
	return s
}

// count is the length of a list whose elements take least bytes each.
func (c *cursor) count(least int) int {
	n := c.number()
	if n > uint64(len(c.s)/least) {
		c.fail()
		return 0
	}
	return int(n)
}

// textOf is b as a string, without a copy: void when b changes.
func textOf(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
