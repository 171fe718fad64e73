package router

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/kigo-dev/kigo"
)

// Why a file of routes cannot be read.
var (
	errTorn     = errors.New("it ends too early")
	errSum      = errors.New("a checksum does not match")
	errOrder    = errors.New("its parts are in no order that makes sense")
	errNoRoutes = errors.New("it is no file of routes")
)

// routesReader reads a file of routes, whose bytes it trusts in nothing.
type routesReader struct {
	in    *bufio.Reader
	left  int64 // bytes that the file still has
	head  [frameHead]byte
	frame []byte
}

// routesVisitor is told what a file of routes says, in its order. What it is given lasts until it
// returns, but for the parts of an app that readApp copies.
type routesVisitor struct {
	begin  func(revision int64, apps, hosts int)
	record func(record []byte) (hosts int, err error)
	change func(c *Change) error
}

// readRoutes tells v all that a file of size bytes says. An error means that the
// snapshot is not whole; lost is why changes after it were left out: a crash cuts
// the last one.
func readRoutes(in io.Reader, size int64, v routesVisitor) (lost, err error) {
	r, err := newRoutesReader(in, size)
	if err != nil {
		return nil, fmt.Errorf("read routes: %w", err)
	}
	if lost, err = r.read(v); err != nil {
		return nil, fmt.Errorf("read routes: %w", err)
	}
	return lost, nil
}

// newRoutesReader reads the line that names the format.
func newRoutesReader(in io.Reader, size int64) (*routesReader, error) {
	r := &routesReader{in: bufio.NewReaderSize(in, 256<<10), left: size}
	line, err := r.in.ReadSlice('\n')
	r.left -= int64(len(line))
	var version int
	if n, _ := fmt.Sscanf(textOf(line), routesMagic+"%d\n", &version); n != 1 {
		if err != nil && len(line) < len(routesMagic) {
			return nil, errTorn
		}
		return nil, errNoRoutes
	}
	if version != routesVersion {
		return nil, fmt.Errorf("its format is %d, and this version of Kigo reads format %d", version, routesVersion)
	}
	return r, nil
}

// next is the next frame, which lasts until the one after it; io.EOF after the last.
func (r *routesReader) next() (kind byte, content []byte, err error) {
	if r.left <= 0 {
		return 0, nil, io.EOF
	}
	if _, err := io.ReadFull(r.in, r.head[:]); err != nil {
		return 0, nil, cutShort(err)
	}
	r.left -= frameHead
	n := int64(binary.LittleEndian.Uint32(r.head[1:]))
	if n > r.left || n > frameMost {
		return 0, nil, errTorn
	}
	if int64(cap(r.frame)) < n {
		r.frame = make([]byte, n+n/4)
	}
	content = r.frame[:n]
	if _, err := io.ReadFull(r.in, content); err != nil {
		return 0, nil, cutShort(err)
	}
	r.left -= n
	if frameSum(r.head[:5], content) != binary.LittleEndian.Uint32(r.head[5:]) {
		return 0, nil, errSum
	}
	return r.head[0], content, nil
}

func cutShort(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errTorn
	}
	return err
}

func (r *routesReader) read(v routesVisitor) (lost, err error) {
	kind, content, err := r.next()
	if err != nil {
		return nil, cutShort(err)
	}
	c := cursor{s: textOf(content)}
	revision, apps, hosts := c.signed(), c.number(), c.number()
	if kind != frameSnapshot || c.bad || c.s != "" {
		return nil, errOrder
	}
	most := uint64(r.left) // each takes more than a byte
	v.begin(revision, int(min(apps, most/recordHead)), int(min(hosts, most/2)))
	if err := r.apps(v); err != nil {
		return nil, err
	}
	for {
		kind, content, err := r.next()
		switch {
		case errors.Is(err, io.EOF):
			return nil, nil
		case err != nil:
			return err, nil
		case kind != frameChange:
			return errOrder, nil
		}
		c, err := readChange(content)
		if err == nil {
			err = v.change(c)
		}
		if err != nil {
			return err, nil
		}
	}
}

// apps reads up to the end of the snapshot.
func (r *routesReader) apps(v routesVisitor) error {
	apps, hosts := uint64(0), uint64(0)
	for {
		kind, content, err := r.next()
		if err != nil {
			return cutShort(err)
		}
		switch kind {
		case frameApps:
			for len(content) > 0 {
				var record []byte
				if record, content, err = cutRecord(content); err != nil {
					return err
				}
				n, err := v.record(record)
				if err != nil {
					return err
				}
				apps++
				hosts += uint64(n)
			}
		case frameEnd:
			c := cursor{s: textOf(content)}
			if c.number() != apps || c.number() != hosts || c.bad || c.s != "" {
				return errOrder
			}
			return nil
		default:
			return errOrder
		}
	}
}

// readChange reads the content of a frame. Hosts lie in it.
func readChange(content []byte) (*Change, error) {
	head := cursor{s: textOf(content)}
	change := &Change{Revision: head.signed()}
	n := head.count(recordHead)
	content = content[len(content)-len(head.s):]
	for range n {
		record, rest, err := cutRecord(content)
		if err != nil {
			return nil, err
		}
		a, err := readApp(record, nil)
		if err != nil {
			return nil, err
		}
		change.Apps = append(change.Apps, a)
		content = rest
	}
	tail := cursor{s: textOf(content)}
	for range tail.count(1) {
		change.Gone = append(change.Gone, kigo.AppID(strings.Clone(tail.text())))
	}
	if head.bad || tail.bad || tail.s != "" {
		return nil, errRecord
	}
	return change, nil
}
