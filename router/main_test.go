package router

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"testing"

	"go.uber.org/goleak"
)

// TestMain runs more tests at once than there are processors: most of them wait for a time to pass.
func TestMain(m *testing.M) {
	_ = flag.Set("test.parallel", strconv.Itoa(2*runtime.GOMAXPROCS(0)))
	code := m.Run()
	for range 100 { // what ends needs a processor
		err := goleak.Find()
		if err == nil {
			os.Exit(code)
		}
		fmt.Fprintln(os.Stderr, "still there:", err)
	}
	os.Exit(max(code, 1))
}
