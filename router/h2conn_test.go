package router

import (
	"bytes"
	"testing"

	"golang.org/x/net/http2"
)

func TestOnlyAHeadThatABodyFollowsIsHeldBack(t *testing.T) {
	frames := func(write func(f *http2.Framer)) []byte {
		var b bytes.Buffer
		write(http2.NewFramer(&b, nil))
		return b.Bytes()
	}
	head := func(f *http2.Framer, end, whole bool) {
		_ = f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: []byte("block"), EndStream: end, EndHeaders: whole})
	}
	cases := []struct {
		name string
		text []byte
		want bool
	}{
		{"a head", frames(func(f *http2.Framer) { head(f, false, true) }), true},
		{"one after other frames", frames(func(f *http2.Framer) { _ = f.WriteSettingsAck(); head(f, false, true) }), true},
		{"one that ends the stream", frames(func(f *http2.Framer) { head(f, true, true) }), false},
		{"one that goes on", frames(func(f *http2.Framer) { head(f, false, false) }), false},
		{"one before a body", frames(func(f *http2.Framer) { head(f, false, true); _ = f.WriteData(1, true, []byte("x")) }), false},
		{"a body", frames(func(f *http2.Framer) { _ = f.WriteData(1, false, []byte("x")) }), false},
		{"half a frame", frames(func(f *http2.Framer) { head(f, false, true) })[:10], false},
		{"nothing", nil, false},
	}
	for _, c := range cases {
		if got := endsWithHead(c.text); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
