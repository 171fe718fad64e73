package shim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// launch has runc create and start the container and returns its process 1,
// which becomes a child of this process: it is a subreaper.
func launch(order *Order, stdin, stdout *os.File) (int, *os.File, error) {
	at := func(name string) string { return filepath.Join(order.Stage, name) }
	c := container{
		order: order, name: "init", tty: order.TTY, stdin: stdin, stdout: stdout,
		args: []string{"run", "--detach", "--bundle", at("bundle"), "--pid-file", at("init.pid")},
	}
	if !order.Posture.Sandbox { // which has keyrings of its own kernel
		c.args = append(c.args, "--no-new-keyring") // see withEmptyKeyring
	}
	return c.run()
}

// complaint is the runtime's last error from its log.
func complaint(path string) string {
	data, _ := os.ReadFile(path)
	var last string
	for line := range bytes.Lines(data) {
		var entry struct{ Level, Msg string }
		if json.Unmarshal(line, &entry) == nil && entry.Level == "error" {
			last = ": " + entry.Msg
		}
	}
	return last
}

type console struct {
	master *os.File
	err    error
}

// receiveConsole takes the terminal's master from the runtime.
func receiveConsole(listener int) console {
	defer func() { _ = unix.Close(listener) }()
	fd, _, err := unix.Accept4(listener, unix.SOCK_CLOEXEC)
	if err != nil {
		return console{err: fmt.Errorf("receive terminal: %w", err)}
	}
	defer func() { _ = unix.Close(fd) }()
	name, control := make([]byte, 4096), make([]byte, unix.CmsgSpace(4))
	_, n, _, _, err := unix.Recvmsg(fd, name, control, unix.MSG_CMSG_CLOEXEC)
	if err != nil {
		return console{err: fmt.Errorf("receive terminal: %w", err)}
	}
	messages, err := unix.ParseSocketControlMessage(control[:n])
	if err != nil || len(messages) != 1 {
		return console{err: errors.New("receive terminal: no descriptor came")}
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 1 {
		return console{err: errors.New("receive terminal: no descriptor came")}
	}
	_ = unix.SetNonblock(fds[0], true)
	return console{master: os.NewFile(uintptr(fds[0]), "terminal")}
}

// listenUnix binds dir/name through the folder's descriptor: a socket's address
// holds 107 bytes, a data folder's path may be longer.
func listenUnix(dir, name string) (int, error) {
	folder, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0, fmt.Errorf("open %s: %w", dir, err)
	}
	defer func() { _ = unix.Close(folder) }()
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, fmt.Errorf("make socket: %w", err)
	}
	path := fmt.Sprintf("/proc/self/fd/%d/%s", folder, name)
	_ = unix.Unlink(path)
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		_ = unix.Close(fd)
		return 0, fmt.Errorf("bind socket: %w", err)
	}
	if err := unix.Listen(fd, 64); err != nil {
		_ = unix.Close(fd)
		return 0, fmt.Errorf("listen: %w", err)
	}
	return fd, nil
}
