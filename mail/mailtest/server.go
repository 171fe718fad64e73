// Package mailtest is a mail server on loopback for tests: it keeps what is sent.
//
// Start reading at Start.
package mailtest

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
)

// Start listens until the test ends; letters returns what came: the recipients in a line, then the letter.
func Start(t testing.TB) (address string, letters func() []string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	var mu sync.Mutex
	var all []string
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				in := bufio.NewReader(c)
				fmt.Fprint(c, "220 test ESMTP\r\n")
				var rcpt []string
				for {
					line, err := in.ReadString('\n')
					if err != nil {
						return
					}
					switch verb := strings.ToUpper(line[:min(4, len(line))]); verb {
					case "EHLO":
						fmt.Fprint(c, "250-test\r\n250 8BITMIME\r\n")
					case "RCPT":
						rcpt = append(rcpt, strings.TrimSpace(line))
						fmt.Fprint(c, "250 ok\r\n")
					case "DATA":
						fmt.Fprint(c, "354 go on\r\n")
						var b strings.Builder
						for {
							line, err := in.ReadString('\n')
							if err != nil || line == ".\r\n" {
								break
							}
							b.WriteString(line)
						}
						mu.Lock()
						all = append(all, strings.Join(rcpt, " ")+"\n"+b.String())
						mu.Unlock()
						fmt.Fprint(c, "250 taken\r\n")
					case "QUIT":
						return // without a goodbye, as some do
					default:
						fmt.Fprint(c, "250 ok\r\n")
					}
				}
			}()
		}
	}()
	return l.Addr().String(), func() []string {
		mu.Lock()
		defer mu.Unlock()
		return append([]string{}, all...)
	}
}
