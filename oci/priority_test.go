package oci_test

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/kigo-dev/kigo"
)

func TestADynoKeepsNothingOfThePriorityOfItsStart(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	raw, err := unix.Getpriority(unix.PRIO_PROCESS, 0)
	if err != nil {
		t.Fatal(err)
	}
	want := max(20-raw, 0) // what it inherits, but no more than what is usual
	l := r.launch("testapp", "serve")
	l.Port, l.Slug = 5000, r.images.Slug
	r.start(l)
	s := r.await(l.ID, kigo.RunReady)
	for what, pid := range map[string]int{"process 1": s.Pid, "the command": children(t, s.Pid)[0]} {
		raw, err := unix.Getpriority(unix.PRIO_PROCESS, pid)
		if err != nil || 20-raw != want {
			t.Errorf("%s has priority %d, %v; want %d", what, 20-raw, err, want)
		}
	}
}
