package server

import (
	"context"
	"io"
	"sync"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/output"
	"github.com/kigo-dev/kigo/store"
)

// phaseOutputs writes what release phases print to their releases' streams, and
// what postdeploy scripts print to their own.
type phaseOutputs struct {
	store   *store.Store
	outputs *output.Store

	mu   sync.Mutex
	keys map[kigo.ReleaseID]string
	open map[string]*output.Writer
}

// add appends one line of a release phase or a script.
func (p *phaseOutputs) add(d kigo.Dyno, line string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	key, err := kigo.PostdeployOutput(d.ID), error(nil)
	if d.Type != kigo.PostdeployType {
		key, err = p.key(d.Release)
	}
	if err != nil || key == "" {
		return err
	}
	w := p.open[key]
	if w == nil {
		if p.open == nil {
			p.open = map[string]*output.Writer{}
		}
		if w, err = p.outputs.Append(key); err != nil {
			return err
		}
		p.open[key] = w
	}
	_, err = io.WriteString(w, line+"\n")
	return err
}

func (p *phaseOutputs) key(id kigo.ReleaseID) (string, error) {
	if key, ok := p.keys[id]; ok {
		return key, nil
	}
	var r kigo.Release
	err := p.store.View(context.Background(), func(tx *store.Tx) (err error) {
		r, err = tx.Release(id)
		return err
	})
	if err != nil {
		return "", err
	}
	if p.keys == nil {
		p.keys = map[kigo.ReleaseID]string{}
	}
	p.keys[id] = r.Output
	return r.Output, nil
}

// Finish ends a stream, also one whose writer died with an earlier process, or that
// never began.
func (p *phaseOutputs) Finish(key string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if w := p.open[key]; w != nil {
		delete(p.open, key)
		return w.Close()
	}
	if p.outputs.Exists(key) {
		return p.outputs.Finish(key)
	}
	w, err := p.outputs.Append(key) // it printed nothing: whoever waits for its output sees the end
	if err != nil {
		return err
	}
	return w.Close()
}
