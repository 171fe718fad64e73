package drain

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
)

// state is all that a sender knows of a drain, as it is on disk. It is written
// before every frame leaves. It survives the process, not a power cut: the disk is
// not waited for.
type state struct {
	Next    uint64 // number of the first line that is in no frame yet
	Lost    loss   // lines before Next that no frame tells of
	Frame   *frame // sent, perhaps taken
	Reached uint64 // number of the first line after Frame, or after the last one there was
	Read    int64  // of the spill file: what is before was sent
	End     int64  // of the spill file: a frame behind it counts only if it is newer than the state
	Seq     uint64 // grows with every state and frame that is written
}

type stateHead struct {
	Next    uint64 `json:"next"`
	Lost    loss   `json:"lost"`
	ID      string `json:"frame,omitempty"`
	Count   int    `json:"count,omitempty"`
	Told    int    `json:"told,omitempty"`
	Reached uint64 `json:"reached,omitempty"`
	Read    int64  `json:"read,omitempty"`
	End     int64  `json:"end"`
	Seq     uint64 `json:"seq,omitempty"`
}

// frame is the head's frame with a body; nil when there is none.
func (h *stateHead) frame(body []byte) *frame {
	if h.ID == "" {
		return nil
	}
	return &frame{ID: h.ID, Count: h.Count, Told: h.Told, Body: body}
}

// describe puts a frame into the head.
func (h *stateHead) describe(f *frame) { h.ID, h.Count, h.Told = f.ID, f.Count, f.Told }

// A record is a state or a frame on disk: the lengths of its head and its body and
// the CRC-32C of both (four bytes each, little-endian), the head as JSON, the body.
const recordHead = 12

var crcTable = crc32.MakeTable(crc32.Castagnoli)

// newRecord makes an entry; its head is in the memory of b, if that is enough.
func newRecord(b []byte, head any, body []byte) (entry, error) {
	text, err := json.Marshal(head)
	if err != nil {
		return entry{}, err
	}
	b = binary.LittleEndian.AppendUint32(b[:0], uint32(len(text)))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(body)))
	b = binary.LittleEndian.AppendUint32(b, crc32.Update(crc32.Checksum(text, crcTable), crcTable, body))
	return entry{append(b, text...), body}, nil
}

var errRecord = errors.New("record is damaged or cut off")

// maxRecord is far above what is written.
const maxRecord = 64 << 20

// recordSize is how long a record is, by its first bytes.
func recordSize(data []byte) (int, bool) {
	h, n := uint64(binary.LittleEndian.Uint32(data)), uint64(binary.LittleEndian.Uint32(data[4:]))
	return int(recordHead + h + n), h > 0 && recordHead+h+n <= maxRecord
}

// cutRecord takes one record off data.
func cutRecord(data []byte) (head, body, rest []byte, err error) {
	if len(data) < recordHead {
		return nil, nil, data, errRecord
	}
	h, n := uint64(binary.LittleEndian.Uint32(data)), uint64(binary.LittleEndian.Uint32(data[4:]))
	if h == 0 || recordHead+h+n > uint64(len(data)) {
		return nil, nil, data, errRecord
	}
	head, body, rest = data[recordHead:recordHead+h], data[recordHead+h:recordHead+h+n], data[recordHead+h+n:]
	if crc32.Update(crc32.Checksum(head, crcTable), crcTable, body) != binary.LittleEndian.Uint32(data[8:]) {
		return nil, nil, data, errRecord
	}
	return head, body, rest, nil
}

// journal is a drain's file: states one after the other, the last of which counts.
// A state that a kill cut off was not acted upon. From time to time the last one
// takes the place of all, by rename.
type journal struct {
	path string // empty: nothing is kept
	disk steps
	file *os.File
	size int64
	buf  []byte // of the last head
}

// journalSize is how long a journal grows.
const journalSize = 8 << 20

// load reads the last state; ok is false when there is none.
func (j *journal) load() (st state, ok bool) {
	data, err := os.ReadFile(j.path)
	if err != nil {
		return st, false
	}
	for {
		head, body, rest, err := cutRecord(data)
		if err != nil {
			return st, ok
		}
		h := stateHead{End: maxSpill} // of a state that does not say
		if json.Unmarshal(head, &h) != nil {
			return st, ok
		}
		st, ok = state{Next: h.Next, Lost: h.Lost, Frame: h.frame(body), Reached: h.Reached, Read: h.Read, End: h.End, Seq: h.Seq}, true
		data = rest
	}
}

// save adds a state.
func (j *journal) save(st *state) error {
	if j.path == "" {
		return nil
	}
	st.Seq++
	head := stateHead{Next: st.Next, Lost: st.Lost, Reached: st.Reached, Read: st.Read, End: st.End, Seq: st.Seq}
	var body []byte
	if st.Frame != nil {
		head.describe(st.Frame)
		body = st.Frame.Body
	}
	r, err := newRecord(j.buf, head, body)
	if err != nil {
		return fmt.Errorf("save place of drain: %w", err)
	}
	j.buf = r.head
	if j.file == nil || j.size+int64(r.size()) > journalSize {
		err = j.begin(r)
	} else {
		_, err = j.disk.write("add state", j.file, r, j.size)
		j.size += int64(r.size())
	}
	if err != nil {
		j.close() // what it now ends with is unknown: begin anew next time
		return fmt.Errorf("save place of drain: %w", err)
	}
	return nil
}

// begin puts a journal of one state in the place of the old one.
func (j *journal) begin(r entry) error {
	j.close()
	f, err := os.OpenFile(j.path+".new", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if _, err := j.disk.write("begin states", f, r, 0); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := j.disk.do("replace states", func() error { return os.Rename(f.Name(), j.path) }); err != nil {
		return errors.Join(err, f.Close())
	}
	j.file, j.size = f, int64(r.size())
	return nil
}

func (j *journal) close() {
	if j.file != nil {
		_ = j.file.Close()
		j.file = nil
	}
}
