package shim

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/kigo-dev/kigo/internal/atomicfile"
)

// Exec asks for one more process in a dyno that runs. It follows the line of its
// request; after "ok" come the raw terminal, or input and output.
type Exec struct {
	Process json.RawMessage // of an OCI spec
	TTY     bool
	Named   bool // answer "ok N": the process can be asked for with "exec-end N" and "exec-size N"
}

// execGrace is what a process has to end in after its client has gone.
const execGrace = 10 * time.Second

// answerExec runs the process until it has ended.
func (k *keeper) answerExec(conn *net.UnixConn, in *bufio.Reader) {
	_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	line, err := in.ReadBytes('\n')
	var e Exec
	if err == nil {
		err = json.Unmarshal(line, &e)
	}
	if err == nil {
		_ = conn.SetReadDeadline(time.Time{})
		err = k.exec(conn, e)
	}
	if err != nil {
		_, _ = fmt.Fprintf(conn, "error %s\n", strings.ReplaceAll(err.Error(), "\n", " "))
	}
}

// exec has runc put a process into the container, where the limits, the filter and the
// namespaces of the dyno hold for it, and carries its input and output.
func (k *keeper) exec(conn *net.UnixConn, e Exec) error {
	if s, _ := k.now(); s.Pid == 0 || s.Phase != Starting && s.Phase != Ready {
		return errors.New(NotRunning)
	}
	v, err := k.execStart(e)
	if err != nil {
		return err
	}
	v.io.take()
	hangup := func() {
		_ = unix.Kill(-v.pid, unix.SIGHUP)
		select {
		case <-v.over:
		case <-time.After(execGrace):
			_ = unix.Kill(-v.pid, unix.SIGKILL)
		}
	}
	relayed := make(chan struct{})
	answer := ok
	if e.Named {
		answer = fmt.Sprintf("ok %d\n", v.number)
	}
	if _, err := conn.Write([]byte(answer)); err != nil {
		go hangup()
	}
	go func() { defer close(relayed); v.io.relay(conn, func() { go hangup() }) }()
	var ws unix.WaitStatus
	for {
		if got, err := unix.Wait4(v.pid, &ws, 0, nil); got == v.pid || err != unix.EINTR {
			break
		}
	}
	v.end(ws)
	time.AfterFunc(visitKept, func() { k.visits.Delete(v.number) })
	v.io.end("")
	<-relayed
	return nil
}

// runtimeFile is the runtime's own record of the dyno.
func (k *keeper) runtimeFile() string {
	return filepath.Join(k.order.Stage, "runc", k.order.ID, "state.json")
}

// restoreRuntime writes the runtime's record again when somebody has removed it, in one
// step: another call may have the runtime read it.
func (k *keeper) restoreRuntime() error {
	k.restoring.Lock()
	defer k.restoring.Unlock()
	path := k.runtimeFile()
	if _, err := os.Lstat(path); err == nil || len(k.runtime) == 0 {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o711); err != nil {
		return fmt.Errorf("restore runtime's folder: %w", err)
	}
	if err := atomicfile.Write(path, k.runtime, 0o600); err != nil {
		return fmt.Errorf("restore runtime's record: %w", err)
	}
	return nil
}

// execStart starts the process, which becomes a child of this one.
func (k *keeper) execStart(e Exec) (*visit, error) {
	if err := k.restoreRuntime(); err != nil {
		return nil, err
	}
	v := &visit{number: k.execs.Add(1), over: make(chan struct{})}
	name := "exec" + strconv.FormatInt(v.number, 10)
	at := func(name string) string { return filepath.Join(k.order.Stage, name) }
	spec, err := memory("process", e.Process)
	if err != nil {
		return nil, err
	}
	defer spec.Close()
	c := container{
		order: &k.order, name: name, tty: e.TTY,
		args: []string{"exec", "--detach", "--process", "/proc/self/fd/3", "--pid-file", at(name + ".pid")}, extra: []*os.File{spec},
	}
	defer func() { _ = os.Remove(at(name + ".pid")) }()
	if e.TTY {
		defer func() { _ = os.Remove(at(name + ".console")) }()
		pid, terminal, err := c.run()
		if err == nil {
			err = k.confined(pid)
		}
		if err != nil {
			return nil, err
		}
		v.pid, v.terminal, v.io = pid, terminal, newAttachment(terminal, terminal)
		k.visits.Store(v.number, v)
		return v, nil
	}
	user := int(k.order.UIDBase) + dynoUser
	read, output, err := outputPipe(user)
	if err != nil {
		return nil, err
	}
	input, write, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make input pipe: %w", err)
	}
	_ = input.Chown(user, user)
	c.stdin, c.stdout = input, output
	pid, _, err := c.run()
	closeAll(input, output)
	if err == nil {
		err = k.confined(pid)
	}
	if err != nil {
		closeAll(read, write)
		return nil, err
	}
	v.pid, v.io = pid, newAttachment(write, read)
	k.visits.Store(v.number, v)
	return v, nil
}

// confined checks the posture of a process that runc has just put into the dyno.
func (k *keeper) confined(pid int) error {
	if k.order.Posture.Sandbox {
		return nil
	}
	err := checkPosture(pid, &k.order)
	if err != nil {
		_ = unix.Kill(pid, unix.SIGKILL)
		_, _ = unix.Wait4(pid, nil, 0, nil)
	}
	return err
}

// memory is a file that holds data and has no name.
func memory(name string, data []byte) (*os.File, error) {
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("make memory file: %w", err)
	}
	f := os.NewFile(uintptr(fd), name)
	if _, err := f.WriteAt(data, 0); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("write memory file: %w", err)
	}
	return f, nil
}

// container is one call of the runtime that starts a process.
type container struct {
	order         *Order
	name          string   // of its files below the stage
	args          []string // of the runtime, up to the container's id
	tty           bool
	stdin, stdout *os.File // without a terminal
	extra         []*os.File
}

// run calls the runtime and returns the process, a child of this one, and its terminal.
func (c container) run() (int, *os.File, error) {
	at := func(name string) string { return filepath.Join(c.order.Stage, name) }
	args := append([]string{"--root", at("runc"), "--log", at("runc.log"), "--log-format", "json"}, c.args...)
	var terminal chan console
	if c.tty {
		socket, err := listenUnix(c.order.Stage, c.name+".console")
		if err != nil {
			return 0, nil, err
		}
		terminal = make(chan console, 1)
		go func() { terminal <- receiveConsole(socket) }()
		args = append(args, "--console-socket", at(c.name+".console"))
		c.stdin, c.stdout = nil, nil
	}
	cmd := exec.Command(c.order.Runtime, append(args, c.order.ID)...)
	cmd.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
	cmd.ExtraFiles = c.extra
	if c.stdin != nil {
		cmd.Stdin = c.stdin
	}
	if c.stdout != nil {
		cmd.Stdout, cmd.Stderr = c.stdout, c.stdout
	}
	if err := withEmptyKeyring(cmd.Run); err != nil {
		return 0, nil, fmt.Errorf("run %s: %w%s", filepath.Base(c.order.Runtime), err, complaint(at("runc.log")))
	}
	data, err := os.ReadFile(at(c.name + ".pid"))
	if err != nil {
		return 0, nil, fmt.Errorf("read pid: %w", err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(data)))
	if err != nil {
		return 0, nil, fmt.Errorf("read pid: %w", err)
	}
	if terminal == nil {
		return pid, nil, nil
	}
	select {
	case got := <-terminal:
		return pid, got.master, got.err
	case <-time.After(10 * time.Second):
		return pid, nil, errors.New("receive terminal: the runtime sent none")
	}
}
