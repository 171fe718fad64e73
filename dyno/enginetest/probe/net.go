package main

import (
	"errors"
	"net"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	patience = time.Second     // with what should be closed
	trust    = 5 * time.Second // with what should be open: a lost packet is sent again after a second
)

// connections are those of the arguments NAME=ADDRESS, and what can be done to
// the own link.
func connections(args []string) []try {
	var all []try
	public := ""
	for _, arg := range args {
		name, address, found := strings.Cut(arg, "=")
		switch {
		case !found || strings.HasPrefix(address, "/"):
		case strings.HasPrefix(address, "@"):
			all = append(all, try{"connect from " + name, func() error { return dialFrom(address[1:], public) }})
		default:
			limit := patience
			if name == "public" {
				public, limit = address, trust
			}
			all = append(all, try{"connect to " + name, func() error { return dial(address, limit, nil) }})
		}
	}
	return append(all,
		try{"connect by IPv6", func() error { return dial("[2001:db8::1]:80", patience, nil) }},
		try{"have a global IPv6 address", func() error {
			addresses, _ := net.InterfaceAddrs()
			for _, a := range addresses {
				if n, ok := a.(*net.IPNet); ok && n.IP.To4() == nil && !n.IP.IsLoopback() {
					return nil
				}
			}
			return errors.New("none")
		}},
		try{"change the own link", link(unix.SIOCSIFFLAGS)},
		try{"change the own address", link(unix.SIOCSIFADDR)},
		try{"change the own hardware address", link(unix.SIOCSIFHWADDR)},
		try{"listen at a low port", func() error {
			const low = 80
			l, err := net.ListenTCP("tcp4", &net.TCPAddr{Port: low})
			if err == nil {
				_ = l.Close()
			}
			return err
		}},
		try{"accept for addresses of others", func() error {
			return option(unix.SOL_IP, unix.IP_TRANSPARENT)
		}},
		try{"mark packets", func() error { return option(unix.SOL_SOCKET, unix.SO_MARK) }},
	)
}

func dial(address string, limit time.Duration, control func(string, string, syscall.RawConn) error) error {
	conn, err := (&net.Dialer{Timeout: limit, Control: control}).Dial("tcp", address)
	if err == nil {
		_ = conn.Close()
	}
	return err
}

// dialFrom connects from an address that is not the own one: a socket may be bound to any.
func dialFrom(source, target string) error {
	return dial(target, patience, func(_, _ string, raw syscall.RawConn) error {
		var err error
		_ = raw.Control(func(fd uintptr) {
			_ = unix.SetsockoptInt(int(fd), unix.SOL_IP, unix.IP_FREEBIND, 1)
			err = unix.Bind(int(fd), &unix.SockaddrInet4{Addr: [4]byte(net.ParseIP(source).To4())})
		})
		return err
	})
}

func link(request uint) func() error {
	return func() error {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
		if err != nil {
			return err
		}
		defer func() { _ = unix.Close(fd) }()
		r, err := unix.NewIfreq("eth0")
		if err != nil {
			return err
		}
		return unix.IoctlIfreq(fd, request, r)
	}
}

func option(level, name int) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(fd) }()
	return unix.SetsockoptInt(fd, level, name, 1)
}
