package git

import (
	"fmt"
	"io"
	"testing"
)

func TestTheEndOfAnAnswerIsAFlushBetweenPackets(t *testing.T) {
	const report = "000eunpack ok\n"
	for _, c := range []struct {
		answer         string
		between, whole bool
	}{
		{"", true, false},
		{"00", false, false},
		{"0000", true, true},
		{report, true, false},
		{report[:7], false, false},
		{report + "0000", true, true},
		{report + "000", false, false},
		{report + "0000" + report, true, false},
		{report + "0001", true, false}, // a delimiter
		{"000c00000000", true, false},  // a body that looks like one
	} {
		for piece := 1; piece <= len(c.answer)+1; piece++ { // as it may come
			p := &packets{Writer: io.Discard}
			for rest := c.answer; rest != ""; {
				n := min(piece, len(rest))
				fmt.Fprint(p, rest[:n])
				rest = rest[n:]
			}
			if p.between() != c.between || p.whole() != c.whole {
				t.Errorf("%q in pieces of %d: between %v, whole %v", c.answer, piece, p.between(), p.whole())
			}
		}
	}
}
