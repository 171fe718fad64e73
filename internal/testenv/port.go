package testenv

import (
	"math/rand/v2"
	"net"
	"strconv"
	"testing"
)

// Port is a free port on loopback for a program that is told where to listen. It is below
// those that the kernel gives to whoever asks for any, so that nobody else has it meanwhile.
func Port(t testing.TB) string {
	t.Helper()
	const first, last = 10_000, 30_000
	for range 100 {
		port := strconv.Itoa(first + rand.IntN(last-first))
		if l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", port)); err == nil {
			_ = l.Close()
			return port
		}
	}
	t.Fatal("a hundred ports are all taken")
	return ""
}
