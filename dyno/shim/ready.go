package shim

import (
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"runtime"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// pollAfter is how long to wait before the nth look for a listening socket: a
// fast program is seen at once, a slow one costs little.
func pollAfter(n int) time.Duration {
	switch {
	case n < 100:
		return time.Millisecond
	case n < 200:
		return 5 * time.Millisecond
	}
	return 50 * time.Millisecond
}

// ports tells whether the dyno listens at a port that others can reach.
type ports interface {
	listening(port int) bool
	close()
}

// caller connects to the dyno: where it has a network stack of its own, the host's
// kernel knows nothing of its ports.
type caller string

func (c caller) listening(port int) bool {
	conn, err := net.DialTimeout("tcp4", net.JoinHostPort(string(c), strconv.Itoa(port)), time.Second)
	if err != nil {
		return false
	}
	_ = conn.Close()
	return true
}

func (c caller) close() {}

// diagnosis asks the kernel for the listening sockets of the dyno's network.
// The tables in /proc hold the same, but reading them walks every connection of
// the machine: it takes milliseconds.
type diagnosis struct{ socket int }

// openDiagnosis makes a netlink socket in the network namespace behind fd.
func openDiagnosis(namespace int) (*diagnosis, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	own, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		return nil, err
	}
	defer own.Close()
	if err := unix.Setns(namespace, unix.CLONE_NEWNET); err != nil {
		return nil, fmt.Errorf("enter network namespace: %w", err)
	}
	socket, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_SOCK_DIAG)
	if back := unix.Setns(int(own.Fd()), unix.CLONE_NEWNET); back != nil {
		return nil, fmt.Errorf("leave network namespace: %w", back)
	}
	if err != nil {
		return nil, fmt.Errorf("open socket diagnosis: %w", err)
	}
	_ = unix.SetsockoptTimeval(socket, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 1})
	return &diagnosis{socket}, nil
}

func (d *diagnosis) close() { _ = unix.Close(d.socket) }

// listening reports whether a process listens on port on an address that others can reach.
func (d *diagnosis) listening(port int) bool {
	for _, family := range []byte{unix.AF_INET, unix.AF_INET6} {
		if d.ask(family) != nil {
			continue
		}
		if found, _ := d.answer(port); found {
			return true
		}
	}
	return false
}

// Layouts of linux/netlink.h and linux/inet_diag.h: a header of 16 bytes, then
// struct inet_diag_req_v2 (56 bytes) or struct inet_diag_msg.
const (
	headerBytes  = 16
	requestBytes = 56
	byFamily     = 20 // SOCK_DIAG_BY_FAMILY
	listenState  = 10 // TCP_LISTEN
)

func (d *diagnosis) ask(family byte) error {
	var m [headerBytes + requestBytes]byte
	binary.NativeEndian.PutUint32(m[0:], uint32(len(m)))
	binary.NativeEndian.PutUint16(m[4:], byFamily)
	binary.NativeEndian.PutUint16(m[6:], unix.NLM_F_REQUEST|unix.NLM_F_DUMP)
	m[headerBytes], m[headerBytes+1] = family, unix.IPPROTO_TCP
	binary.NativeEndian.PutUint32(m[headerBytes+4:], 1<<listenState)
	return unix.Sendto(d.socket, m[:], 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK})
}

// answer reads all messages of one answer.
func (d *diagnosis) answer(port int) (found bool, err error) {
	buffer := make([]byte, 16<<10)
	for {
		n, _, err := unix.Recvfrom(d.socket, buffer, 0)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return found, err
		}
		f, done := parseDiagnosis(buffer[:n], port)
		found = found || f
		if done {
			return found, nil
		}
	}
}

// parseDiagnosis looks for port in one datagram of messages; done: it was the last.
func parseDiagnosis(b []byte, port int) (found, done bool) {
	for len(b) >= headerBytes {
		size := int(binary.NativeEndian.Uint32(b))
		if size < headerBytes || size > len(b) {
			return found, true
		}
		switch binary.NativeEndian.Uint16(b[4:]) {
		case unix.NLMSG_DONE, unix.NLMSG_ERROR:
			return found, true
		case byFamily:
			found = found || listens(b[headerBytes:size], port)
		}
		b = b[min(len(b), (size+3)&^3):]
	}
	return found, false
}

// listens reads struct inet_diag_msg: family, state, two bytes, then the local
// port (big endian), the remote port and the local address.
func listens(m []byte, port int) bool {
	if len(m) < 24 || m[1] != listenState || int(binary.BigEndian.Uint16(m[4:])) != port {
		return false
	}
	if m[0] == unix.AF_INET {
		return m[8] != 127
	}
	return [16]byte(m[8:24]) != [16]byte{15: 1}
}
