package enginetest

import (
	"bufio"
	"net"
	"strings"
)

// get connects from the host and returns the first line that comes.
func get(s *suite, address string) string {
	s.Helper()
	conn, err := net.DialTimeout("tcp", address, Deadline)
	if err != nil {
		s.Fatal(err)
	}
	defer conn.Close()
	line, _ := bufio.NewReader(conn).ReadString('\n')
	return strings.TrimSpace(line)
}
