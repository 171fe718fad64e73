package shim

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// The protocol: a client connects, writes one line "kigo/1 VERB\n" and reads.
//
//	status  the State as one line of JSON
//	watch   the State now and after each change, a line each; ends after the last
//	stop    "ok"; the dyno gets SIGTERM, then SIGKILL after its grace
//	kill    "ok"; the dyno is killed
//	evict   "ok"; the dyno is killed, and its reason says that the disk was full
//	logs    a byte whenever there are new lines in the output ring; ends with the dyno
//	exec    an Exec as one line of JSON follows; then as attach, but for "ok N" if it is Named
//	exec-end N             "ok STATUS" once that process has ended
//	exec-size N ROWS COLS  "ok"; its terminal has that size now
//	attach  "ok", then the raw terminal or input and output; or "error WHY"
const (
	greeting = "kigo/1 "
	ok       = "ok\n"
)

// serve answers connections until the process ends.
func (k *keeper) serve(socket int) {
	file := os.NewFile(uintptr(socket), SocketFile)
	listener, err := net.FileListener(file)
	_ = file.Close()
	if err != nil {
		fmt.Fprintln(os.Stderr, "kigo-dyno: serve:", err)
		return
	}
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		k.readers.Add(1)
		go func() {
			defer k.readers.Done()
			defer func() { _ = conn.Close() }()
			k.answer(conn.(*net.UnixConn))
		}()
	}
}

func (k *keeper) answer(conn *net.UnixConn) {
	_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	in := bufio.NewReaderSize(conn, 4096)
	line, err := in.ReadSlice('\n')
	if err != nil {
		return
	}
	_ = conn.SetReadDeadline(time.Time{})
	verb, found := strings.CutPrefix(strings.TrimSpace(string(line)), greeting)
	if !found {
		_, _ = conn.Write([]byte("error this shim speaks " + greeting + "\n"))
		return
	}
	if verb, args, found := visitVerb(verb); found {
		k.answerVisit(conn, verb, args)
		return
	}
	switch verb {
	case "status":
		state, _ := k.now()
		_ = json.NewEncoder(conn).Encode(state)
	case "watch":
		k.answerWatch(conn)
	case "stop":
		k.terminate()
		_, _ = conn.Write([]byte(ok))
	case "kill":
		k.end()
		_, _ = conn.Write([]byte(ok))
	case "evict":
		k.update(func(s *State) { s.Reason = "it took most of the machine's disk, which was almost full" })
		k.end()
		_, _ = conn.Write([]byte(ok))
	case "logs":
		k.answerLogs(conn)
	case "attach":
		k.answerAttach(conn)
	case "exec":
		k.answerExec(conn, in)
	default:
		_, _ = conn.Write([]byte("error no such request: " + verb + "\n"))
	}
}

func (k *keeper) answerWatch(conn net.Conn) {
	for {
		state, changed := k.now()
		if json.NewEncoder(conn).Encode(state) != nil || state.Phase == Exited {
			return
		}
		<-changed
	}
}

// answerLogs wakes the client up; it reads the ring itself.
func (k *keeper) answerLogs(conn net.Conn) {
	news := make(chan struct{}, 1)
	news <- struct{}{} // what was written before this point has woken nobody here
	k.mu.Lock()
	k.watchers[news] = true
	k.mu.Unlock()
	defer func() {
		k.mu.Lock()
		delete(k.watchers, news)
		k.mu.Unlock()
	}()
	for {
		select {
		case <-k.over:
			return
		case <-news:
		}
		_ = conn.SetWriteDeadline(time.Now().Add(time.Minute))
		if _, err := conn.Write([]byte{'\n'}); err != nil {
			return
		}
	}
}

func (k *keeper) wakeWatchers() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for news := range k.watchers {
		select {
		case news <- struct{}{}:
		default:
		}
	}
}

func (k *keeper) answerAttach(conn *net.UnixConn) {
	if k.attach == nil {
		_, _ = conn.Write([]byte("error this dyno has neither a terminal nor an open input\n"))
		return
	}
	if !k.attach.take() {
		_, _ = conn.Write([]byte("error somebody is or was attached already\n"))
		return
	}
	if _, err := conn.Write([]byte(ok)); err != nil {
		go k.signalWhenHeard(unix.SIGHUP)
		return
	}
	k.attach.relay(conn, func() { go k.signalWhenHeard(unix.SIGHUP) })
}
