package oci

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/dyno/shim"
)

// callPause is how long to wait before asking a shim again that did not answer.
const callPause = 20 * time.Millisecond

var errClosed = errors.New("oci: the engine is closed")

// call connects to a bundle's shim and asks; the answer is read from the connection.
func call(bundle, verb string) (*net.UnixConn, error) {
	folder, err := os.Open(bundle) // a socket's address is short, a folder's path may be long
	if err != nil {
		return nil, err
	}
	defer folder.Close()
	path := fmt.Sprintf("/proc/self/fd/%d/%s", folder.Fd(), shim.SocketFile)
	conn, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, err
	}
	if _, err := fmt.Fprintf(conn, "kigo/%d %s\n", shim.Version, verb); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}

// order asks for something that is answered by "ok".
func order(bundle, verb string) (*net.UnixConn, error) {
	conn, err := call(bundle, verb)
	if err != nil {
		return nil, fmt.Errorf("call shim: %w", err)
	}
	_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	line, err := readLine(conn)
	if err == nil && line != "ok" {
		err = errors.New(strings.TrimPrefix(line, "error "))
	}
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("ask shim to %s: %w", verb, err)
	}
	_ = conn.SetReadDeadline(time.Time{})
	return conn, nil
}

// readLine takes one line and not a byte more: raw bytes may follow.
func readLine(conn net.Conn) (string, error) {
	var line []byte
	var b [1]byte
	for len(line) < 512 {
		if _, err := conn.Read(b[:]); err != nil {
			return "", err
		}
		if b[0] == '\n' {
			return string(line), nil
		}
		line = append(line, b[0])
	}
	return "", errors.New("answer too long")
}

// watchShim calls f with each state that the shim tells, until the connection ends.
func watchShim(conn net.Conn, f func(shim.State)) {
	lines := json.NewDecoder(bufio.NewReader(conn))
	for {
		var s shim.State
		if lines.Decode(&s) != nil {
			return
		}
		f(s)
	}
}

// alive reports whether the bundle's shim lives: it holds a lock as long as it does.
func alive(bundle string) (bool, error) {
	file, err := os.Open(bundle + "/" + shim.LockFile)
	if err != nil {
		return false, err
	}
	defer file.Close()
	err = unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	return errors.Is(err, unix.EWOULDBLOCK), nil
}

func runStatus(s shim.State) kigo.RunStatus {
	return kigo.RunStatus{
		ID: kigo.DynoID(s.ID), State: kigo.RunState(s.Phase), Address: s.Address, Pid: s.Pid,
		StartedAt: s.StartedAt, ReadyAt: s.ReadyAt, ExitedAt: s.ExitedAt, ExitCode: s.ExitCode,
		OOM: s.OOM, Starved: s.Starved, BootTimedOut: s.BootTimedOut, StopTimedOut: s.StopTimedOut, Reason: s.Reason,
	}
}
