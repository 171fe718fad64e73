package router

import (
	"os"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"
)

// TestMain starts anew with what the supervisor sets for the router process,
// because x/net reads it at its start.
func TestMain(m *testing.M) {
	const xconnect = "http2xconnect=1"
	if set := os.Getenv("GODEBUG"); !strings.Contains(set, xconnect) {
		exe, err := os.Executable()
		if err == nil {
			_ = os.Setenv("GODEBUG", strings.TrimPrefix(set+","+xconnect, ","))
			err = syscall.Exec(exe, os.Args, os.Environ())
		}
		panic(err)
	}
	goleak.VerifyTestMain(m)
}
