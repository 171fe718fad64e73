package main

// program is the app that is deployed: it serves at $PORT, or waits, or is a bad
// neighbour of the kind that its argument names.
const program = `package main

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"time"
)

func main() {
	if len(os.Args) > 1 {
		bad[os.Args[1]]()
	}
	if os.Getenv("PORT") == "" {
		for {
			time.Sleep(time.Hour)
		}
	}
	l, err := net.Listen("tcp", ":"+os.Getenv("PORT"))
	if err != nil {
		panic(err)
	}
	for {
		c, err := l.Accept()
		if err != nil {
			panic(err)
		}
		go func() {
			defer c.Close()
			if _, err := c.Read(make([]byte, 4096)); err == nil {
				c.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nup\n"))
			}
		}()
	}
}

var bad = map[string]func(){
	"cpu": func() {
		for range 4 * runtime.NumCPU() {
			go func() {
				for {
				}
			}()
		}
		select {}
	},
	"memory": func() { // up to its limit, again and again
		for {
			var all [][]byte
			for range 240 {
				b := make([]byte, 4<<20)
				for i := 0; i < len(b); i += 4096 {
					b[i] = 1
				}
				all = append(all, b)
			}
			runtime.KeepAlive(all)
		}
	},
	"forks": func() {
		for {
			exec.Command("/bin/sh", "-c", "sleep 60 & sleep 60 & sleep 60").Start()
		}
	},
	"files": func() {
		for {
			var all []*os.File
			for {
				f, err := os.Open("/dev/null")
				if err != nil {
					break
				}
				all = append(all, f)
			}
			for _, f := range all {
				f.Close()
			}
		}
	},
	"inodes": func() {
		for round := 0; ; round++ {
			dir := fmt.Sprint("/tmp/", round)
			os.Mkdir(dir, 0o755)
			for n := range 10000 {
				if os.WriteFile(fmt.Sprint(dir, "/", n), nil, 0o600) != nil {
					os.RemoveAll(dir)
				}
			}
		}
	},
	"disk": func() {
		block := bytes.Repeat([]byte("x"), 1<<20)
		for {
			f, err := os.Create("/tmp/big")
			if err != nil {
				panic(err)
			}
			for err == nil {
				_, err = f.Write(block)
			}
			f.Close()
		}
	},
	"flood": func() { // to the world
		for range 256 {
			go func() {
				for {
					c, err := net.DialTimeout("tcp", "203.0.113.1:80", 200*time.Millisecond)
					if err == nil {
						c.Close()
					}
				}
			}()
		}
		select {}
	},
	"logs": func() { // 50 MB a second
		lines := bytes.Repeat(append(bytes.Repeat([]byte("x"), 99), '\n'), 5000)
		for range time.Tick(10 * time.Millisecond) {
			os.Stdout.Write(lines)
		}
	},
}
`
