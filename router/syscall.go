package router

import (
	"net/netip"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Calls on sockets that never wait. The runtime is not told of them, as it has
// to be of calls that may: it would take the processor from a call that lasts 20
// microseconds, as a write to a near peer does, and start a thread for the others.

func readNow(fd int, p []byte) (int, syscall.Errno) {
	if len(p) == 0 {
		return 0, 0
	}
	return callNow(syscall.SYS_READ, fd, unsafe.Pointer(&p[0]), len(p))
}

func writeNow(fd int, p []byte) (int, syscall.Errno) {
	if len(p) == 0 {
		return 0, 0
	}
	return callNow(syscall.SYS_WRITE, fd, unsafe.Pointer(&p[0]), len(p))
}

// sendLast leaves what it writes in the kernel until more is written, or the end of
// the connection is: they leave in one packet.
func sendLast(fd int, p []byte) (int, syscall.Errno) {
	if len(p) == 0 {
		return 0, 0
	}
	for {
		n, _, failed := syscall.RawSyscall6(syscall.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)), unix.MSG_MORE|unix.MSG_NOSIGNAL, 0, 0)
		switch failed {
		case 0:
			return int(n), 0
		case syscall.EINTR:
			continue
		}
		return 0, failed
	}
}

func callNow(call uintptr, fd int, p unsafe.Pointer, n int) (int, syscall.Errno) {
	for {
		done, _, failed := syscall.RawSyscall(call, uintptr(fd), uintptr(p), uintptr(n))
		switch failed {
		case 0:
			return int(done), 0
		case syscall.EINTR:
			continue
		}
		return 0, failed
	}
}

func closeNow(fd int) error {
	if _, _, failed := syscall.RawSyscall(syscall.SYS_CLOSE, uintptr(fd), 0, 0); failed != 0 {
		return failed
	}
	return nil
}

// pollNow is what of events is true of a descriptor, and what is wrong with it.
func pollNow(fd int, events int16) int16 {
	p := unix.PollFd{Fd: int32(fd), Events: events}
	var atOnce unix.Timespec
	if n, _, failed := syscall.RawSyscall6(syscall.SYS_PPOLL, uintptr(unsafe.Pointer(&p)), 1, uintptr(unsafe.Pointer(&atOnce)), 0, 0, 0); failed != 0 || n == 0 {
		return 0
	}
	return p.Revents
}

// acceptNow takes a connection that waits.
func acceptNow(listener int) (fd int, peer netip.AddrPort, err error) {
	var from unix.RawSockaddrAny
	size := uint32(unsafe.Sizeof(from))
	n, _, failed := syscall.RawSyscall6(syscall.SYS_ACCEPT4, uintptr(listener), uintptr(unsafe.Pointer(&from)), uintptr(unsafe.Pointer(&size)),
		unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0, 0)
	if failed != 0 {
		return -1, peer, failed
	}
	switch from.Addr.Family {
	case unix.AF_INET:
		a := (*unix.RawSockaddrInet4)(unsafe.Pointer(&from))
		peer = netip.AddrPortFrom(netip.AddrFrom4(a.Addr), swapped(a.Port))
	case unix.AF_INET6:
		a := (*unix.RawSockaddrInet6)(unsafe.Pointer(&from))
		peer = netip.AddrPortFrom(netip.AddrFrom16(a.Addr).Unmap(), swapped(a.Port))
	}
	return int(n), peer, nil
}

// swapped is a port from the network's order of bytes.
func swapped(port uint16) uint16 {
	b := (*[2]byte)(unsafe.Pointer(&port))
	return uint16(b[0])<<8 | uint16(b[1])
}
