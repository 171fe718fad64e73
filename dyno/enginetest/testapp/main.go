// Testapp is what the engine's conformance suite runs inside a dyno: one small
// behaviour for each argument.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	behaviours[os.Args[1]](os.Args[2:])
}

var behaviours = map[string]func([]string){
	"serve":   serve,
	"connect": connect,
	"exit":    exit,
	"trap":    trap,
	"deaf":    deaf,
	"eat":     eat,
	"lines":   lines,
	"threads": threads,
	"swarm":   swarm,
	"orphans": orphans,
	"litter":  litter,
}

// serve listens on $PORT, or on the address given, and answers each connection with a line.
func serve(args []string) {
	address := ":" + os.Getenv("PORT")
	if len(args) > 0 {
		address = args[0]
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		fatal(err)
	}
	for {
		conn, err := listener.Accept()
		if err != nil {
			fatal(err)
		}
		fmt.Fprintln(conn, "hello from", os.Getenv("DYNO"))
		_ = conn.Close()
	}
}

// connect tries addresses and prints what came of each.
func connect(addresses []string) {
	for _, a := range addresses {
		network := "tcp"
		if rest, udp := strings.CutPrefix(a, "udp:"); udp {
			network, a = "udp", rest
		}
		conn, err := net.DialTimeout(network, a, 2*time.Second)
		if err != nil {
			fmt.Println("closed", a, err)
			continue
		}
		fmt.Println("open", a)
		_ = conn.Close()
	}
}

func exit(args []string) {
	code, _ := strconv.Atoi(args[0])
	os.Exit(code)
}

// trap says which signal came and ends with 0 at SIGTERM, with 7 at SIGHUP.
func trap([]string) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGTERM, syscall.SIGHUP)
	fmt.Println("ready")
	s := <-c
	fmt.Println("got", s)
	if s == syscall.SIGHUP {
		os.Exit(7)
	}
}

func deaf([]string) {
	signal.Ignore(syscall.SIGTERM, syscall.SIGHUP)
	fmt.Println("ready")
	time.Sleep(time.Hour)
}

func eat([]string) {
	fmt.Println("eating")
	var all [][]byte
	for {
		b := make([]byte, 4<<20)
		for i := 0; i < len(b); i += 4096 {
			b[i] = 1
		}
		all = append(all, b)
		_ = all
	}
}

// lines writes N lines "I xxx…" of a length.
func lines(args []string) {
	n, _ := strconv.Atoi(args[0])
	size, _ := strconv.Atoi(args[1])
	w := bufio.NewWriterSize(os.Stdout, 64<<10)
	for i := range n {
		line := strconv.Itoa(i) + " "
		fmt.Fprintln(w, line+strings.Repeat("x", max(0, size-len(line))))
	}
	_ = w.Flush()
}

// threads starts processes until it may not and prints how many it got.
func threads([]string) {
	n := 0
	for ; n < 2000; n++ {
		if _, err := syscall.ForkExec("/bin/sleep", []string{"sleep", "60"}, &syscall.ProcAttr{}); err != nil {
			break
		}
	}
	fmt.Println("processes", n)
}

// swarm starts as many children as it may, tries on, and stays.
func swarm(args []string) {
	wanted, _ := strconv.Atoi(args[0])
	started, refused := 0, 0
	for range wanted {
		if _, err := syscall.ForkExec("/bin/sleep", []string{"sleep", "1000"}, &syscall.ProcAttr{}); err != nil {
			refused++
		} else {
			started++
		}
	}
	fmt.Printf("started some: %v, refused some: %v\n", started > 0, refused > 0)
	time.Sleep(time.Hour)
}

// orphans starts children that start one each and leave it to process 1.
func orphans(args []string) {
	wanted, _ := strconv.Atoi(args[0])
	for range wanted {
		pid, err := forkExec("/bin/sh", "sh", "-c", "true &")
		if err != nil {
			fatal(err)
		}
		if _, err := syscall.Wait4(pid, nil, 0, nil); err != nil {
			fatal(err)
		}
	}
	fmt.Println("all orphaned")
}

// forkExec tries for a minute: those who wait to be reaped may be as many as are allowed.
func forkExec(file string, args ...string) (pid int, err error) {
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		pid, err = syscall.ForkExec(file, args, &syscall.ProcAttr{})
		if !errors.Is(err, syscall.EAGAIN) || time.Now().After(deadline) {
			return pid, err
		}
	}
}

// litter makes empty files in a folder until it may not, says how many and why, and stays.
func litter(args []string) {
	for n := 0; ; n++ {
		f, err := os.Create(fmt.Sprintf("%s/%d", args[0], n))
		if err != nil {
			fmt.Println(errors.Is(err, syscall.ENOSPC))
			break
		}
		_ = f.Close()
	}
	time.Sleep(time.Hour)
}

func fatal(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
