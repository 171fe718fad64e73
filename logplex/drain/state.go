package drain

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
)

// state is all that a sender knows of a drain, as it is on disk: one line of JSON
// and then the frame that may have been sent already. It is written before every
// frame leaves. It survives the process, not a power cut: the disk is not waited for.
type state struct {
	Next  uint64 // number of the first line that is in no frame yet
	Lost  loss   // lines before Next that no frame tells of
	Frame *frame // sent, perhaps taken
}

type stateHead struct {
	Next  uint64 `json:"next"`
	Lost  loss   `json:"lost"`
	ID    string `json:"frame,omitempty"`
	Count int    `json:"count,omitempty"`
}

// loadState reads a drain's file; ok is false when there is none that can be read.
func loadState(path string) (st state, ok bool) {
	data, err := os.ReadFile(path)
	if err != nil {
		return st, false
	}
	line, body, cut := bytes.Cut(data, []byte("\n"))
	var head stateHead
	if err := json.Unmarshal(line, &head); err != nil || !cut {
		return st, false
	}
	st = state{Next: head.Next, Lost: head.Lost}
	if head.ID != "" {
		st.Frame = &frame{ID: head.ID, Count: head.Count, Body: body}
	}
	return st, true
}

// save replaces the file; an empty path keeps nothing.
func (st *state) save(path string) error {
	if path == "" {
		return nil
	}
	head := stateHead{Next: st.Next, Lost: st.Lost}
	var body []byte
	if st.Frame != nil {
		head.ID, head.Count, body = st.Frame.ID, st.Frame.Count, st.Frame.Body
	}
	line, err := json.Marshal(head)
	if err != nil {
		return fmt.Errorf("save place of drain: %w", err)
	}
	fresh := path + ".new"
	if err := write(fresh, append(line, '\n'), body); err != nil {
		return fmt.Errorf("save place of drain: %w", err)
	}
	if err := os.Rename(fresh, path); err != nil {
		return fmt.Errorf("save place of drain: %w", err)
	}
	return nil
}

func write(path string, parts ...[]byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	for _, p := range parts {
		if _, err := f.Write(p); err != nil {
			return errors.Join(err, f.Close())
		}
	}
	return f.Close()
}
