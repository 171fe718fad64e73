package git

import (
	"errors"
	"io"
	"strconv"
)

// errCut says that git ended in the middle of its answer.
var errCut = errors.New("the answer has no end")

// packets watches an answer in git's packet lines (gitprotocol-common) go by. A client
// whose answer just stops waits for the rest for ever, since its parts wait for each other.
type packets struct {
	io.Writer

	head  []byte // of a packet that has not come whole
	left  int    // bytes of the packet's body that have not come
	ended bool   // the last packet was a flush
}

func (p *packets) Write(b []byte) (int, error) {
	n, err := p.Writer.Write(b)
	for b = b[:n]; len(b) > 0; {
		if p.left > 0 {
			took := min(p.left, len(b))
			p.left, b = p.left-took, b[took:]
			continue
		}
		p.ended = false
		const digits = 4
		took := min(digits-len(p.head), len(b))
		p.head, b = append(p.head, b[:took]...), b[took:]
		if len(p.head) == digits {
			size, _ := strconv.ParseUint(string(p.head), 16, 16)
			p.left, p.ended, p.head = max(int(size)-digits, 0), size == 0, p.head[:0]
		}
	}
	return n, err
}

// between reports whether no packet is begun and not ended.
func (p *packets) between() bool { return p.left == 0 && len(p.head) == 0 }

// whole reports whether the answer has its end.
func (p *packets) whole() bool { return p.between() && p.ended }
