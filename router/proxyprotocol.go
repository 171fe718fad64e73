package router

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net/netip"
	"strings"
)

// The PROXY protocol, versions 1 and 2, by which a load balancer before us says
// who its client is. It is read only where the operator asks for it: anybody can
// write such a line.
const (
	proxyLineMost = 107 // of version 1, with its line end
	proxyMost     = 2048
)

var (
	proxySignature = []byte("\r\n\r\n\x00\r\nQUIT\n")
	errProxy       = errors.New("malformed PROXY header")
)

// readProxy reads the header and nothing after it. The result is empty when the
// balancer speaks for itself, as in its health checks.
func readProxy(in io.Reader) (peer string, err error) {
	start := make([]byte, len(proxySignature), proxyLineMost)
	if _, err := io.ReadFull(in, start); err != nil {
		return "", err
	}
	if bytes.Equal(start, proxySignature) {
		return readProxy2(in)
	}
	if !bytes.HasPrefix(start, []byte("PROXY ")) {
		return "", errProxy
	}
	one := make([]byte, 1)
	for !bytes.HasSuffix(start, lineEnd) {
		if len(start) == proxyLineMost {
			return "", errProxy
		}
		if _, err := io.ReadFull(in, one); err != nil {
			return "", err
		}
		start = append(start, one[0])
	}
	words := strings.Split(string(start[:len(start)-len(lineEnd)]), " ")
	switch {
	case words[1] == "UNKNOWN":
		return "", nil
	case len(words) != 6 || words[1] != "TCP4" && words[1] != "TCP6":
		return "", errProxy
	}
	addr, err := netip.ParseAddr(words[2])
	if err != nil || addr.Is4() != (words[1] == "TCP4") {
		return "", errProxy
	}
	return addr.WithZone("").String(), nil
}

func readProxy2(in io.Reader) (string, error) {
	var fixed [4]byte
	if _, err := io.ReadFull(in, fixed[:]); err != nil {
		return "", err
	}
	length := int(binary.BigEndian.Uint16(fixed[2:]))
	if fixed[0]>>4 != 2 || fixed[0]&15 > 1 || length > proxyMost {
		return "", errProxy
	}
	rest := make([]byte, length)
	if _, err := io.ReadFull(in, rest); err != nil {
		return "", err
	}
	if fixed[0]&15 == 0 { // LOCAL
		return "", nil
	}
	switch family := fixed[1] >> 4; {
	case family == 1 && length >= 12:
		return netip.AddrFrom4([4]byte(rest[:4])).String(), nil
	case family == 2 && length >= 36:
		return netip.AddrFrom16([16]byte(rest[:16])).Unmap().String(), nil
	case family == 0 || family == 3:
		return "", nil
	}
	return "", errProxy
}
