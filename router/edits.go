package router

import (
	"encoding/binary"

	"github.com/kigo-dev/kigo"
)

// edits are what changes say last of each app that they name.
type edits struct {
	revision int64
	last     map[kigo.AppID]edit
	order    []kigo.AppID // as they were first named
}

// edit is a record, or nil for an app that is gone.
type edit struct {
	record []byte
	hosts  int
}

func newEdits() *edits { return &edits{last: map[kigo.AppID]edit{}} }

func (e *edits) add(c *Change) {
	e.revision = c.Revision
	for i := range c.Apps {
		a := &c.Apps[i]
		e.set(a.ID, edit{appendApp(nil, a), len(a.Hosts)})
	}
	for _, id := range c.Gone {
		e.set(id, edit{})
	}
}

func (e *edits) set(id kigo.AppID, to edit) {
	if _, named := e.last[id]; !named {
		e.order = append(e.order, id)
	}
	e.last[id] = to
}

// pass writes a record of a snapshot as it is after the edits; apps stay in their order.
func (e *edits) pass(w *routesWriter, record []byte) (hosts int, err error) {
	if hosts, err = recordHosts(record); err != nil {
		return 0, err
	}
	id := recordID(record)
	if now, named := e.last[id]; named {
		if now.record != nil {
			w.app(now.record, now.hosts)
		}
		delete(e.last, id)
	} else {
		w.app(record, hosts)
	}
	return hosts, w.err
}

// finish writes the apps that the snapshot did not have, and its end.
func (e *edits) finish(w *routesWriter) error {
	for _, id := range e.order {
		if now := e.last[id]; now.record != nil {
			w.app(now.record, now.hosts)
		}
	}
	return w.finish()
}

// recordHosts counts the hosts of a record.
func recordHosts(record []byte) (n int, err error) {
	c := cursor{s: textOf(record[recordHead+int(binary.LittleEndian.Uint32(record)):])}
	for c.s != "" {
		c.text()
		n++
	}
	if c.bad {
		return 0, errRecord
	}
	return n, nil
}
