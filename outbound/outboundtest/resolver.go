// Package outboundtest is what tests of outgoing connections need: names that lead
// elsewhere each time, and receivers that answer a byte at a time.
//
// Start reading at Rebinding.
package outboundtest

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"sync/atomic"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// Rebinding is a resolver that answers each look-up of any name with the next of these
// addresses of IPv4, and every further one with the last; asked is how many there were. No
// packet is sent.
func Rebinding(t testing.TB, addrs ...string) (r *net.Resolver, asked func() int) {
	var n atomic.Int64
	answer := func(q dnsmessage.Question) *dnsmessage.AResource {
		if q.Type != dnsmessage.TypeA {
			return nil
		}
		i := min(int(n.Add(1)), len(addrs)) - 1
		return &dnsmessage.AResource{A: netip.MustParseAddr(addrs[i]).As4()}
	}
	r = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		here, there := net.Pipe()
		go func() {
			defer there.Close()
			for serve(there, answer) == nil { // until the one who asks hangs up
				continue
			}
		}()
		t.Cleanup(func() { here.Close() })
		return here, nil
	}}
	return r, func() int { return int(n.Load()) }
}

// serve answers one question, framed as over TCP.
func serve(c net.Conn, answer func(dnsmessage.Question) *dnsmessage.AResource) error {
	var size [2]byte
	if _, err := io.ReadFull(c, size[:]); err != nil {
		return err
	}
	packed := make([]byte, binary.BigEndian.Uint16(size[:]))
	if _, err := io.ReadFull(c, packed); err != nil {
		return err
	}
	var m dnsmessage.Message
	if err := m.Unpack(packed); err != nil {
		return err
	}
	reply := dnsmessage.Message{Header: dnsmessage.Header{ID: m.ID, Response: true, RecursionAvailable: true}, Questions: m.Questions}
	if a := answer(m.Questions[0]); a != nil {
		reply.Answers = []dnsmessage.Resource{{Header: dnsmessage.ResourceHeader{Name: m.Questions[0].Name, Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}, Body: a}}
	}
	out, err := reply.AppendPack(make([]byte, 2))
	if err != nil {
		return err
	}
	binary.BigEndian.PutUint16(out, uint16(len(out)-2))
	_, err = c.Write(out)
	return err
}
