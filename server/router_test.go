package server

import (
	"testing"

	"golang.org/x/sys/unix"
)

func TestARouterMayHaveAllDescriptorsThatAreGranted(t *testing.T) {
	var before, after unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	low := unix.Rlimit{Cur: before.Cur / 2, Max: before.Max}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &low); err != nil {
		t.Fatal(err)
	}
	moreFiles()
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &after); err != nil {
		t.Fatal(err)
	}
	if after.Cur != after.Max || after.Max < before.Max {
		t.Errorf("%d of %d, before %d of %d", after.Cur, after.Max, before.Cur, before.Max)
	}
}
