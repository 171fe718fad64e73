package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"
)

// faults answers each path with a fault of its own, on the bare connection.
func faults() {
	l, err := net.Listen("tcp", ":"+os.Getenv("PORT"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("listening on", os.Getenv("PORT"))
	for {
		c, err := l.Accept()
		if err != nil {
			time.Sleep(time.Hour) // it listens no more
		}
		go fault(l, c)
	}
}

func fault(l net.Listener, c net.Conn) {
	defer c.Close()
	in := bufio.NewReader(c)
	path := ""
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		if _, rest, ok := strings.Cut(line, " /"); ok && path == "" {
			path, _, _ = strings.Cut(rest, " ")
		}
		if line == "\r\n" {
			break
		}
	}
	const ok = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n"
	switch path {
	case "silent": // no answer at all
	case "closed":
		return
	case "stalled":
		fmt.Fprint(c, ok+"\r\nhalf")
	case "garbled":
		fmt.Fprint(c, "250 what do you want?\r\n")
		return
	case "half":
		fmt.Fprint(c, ok+"\r\nhalf")
		return
	case "cookie":
		fmt.Fprint(c, ok+"Set-Cookie: a="+strings.Repeat("x", 9000)+"\r\n\r\n0123456789")
		return
	case "endless":
		fmt.Fprint(c, "HTTP/1.1 200 OK\r\n"+strings.Repeat("X-A: "+strings.Repeat("x", 4000)+"\r\n", 400))
		return
	case "two":
		fmt.Fprint(c, ok+"\r\n0123456789"+ok+"\r\n9876543210")
		return
	case "upgrade":
		fmt.Fprint(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
	case "deaf": // from now on nobody listens
		_ = l.Close()
		fmt.Fprint(c, ok+"\r\n0123456789")
		return
	default:
		fmt.Fprint(c, ok+"\r\n0123456789")
		return
	}
	_, _ = io.Copy(io.Discard, in) // until the router has had enough
}
