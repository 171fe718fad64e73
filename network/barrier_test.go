package network

import (
	"context"
	"testing"

	"github.com/vishvananda/netlink"

	"github.com/kigo-dev/kigo/internal/testenv"
)

// While the packet filter is gone, until it is loaded again, dynos do not reach each other.
func TestDynosAreKeptFromEachOtherWithoutThePacketFilter(t *testing.T) {
	w := newWorld(t)
	testenv.Listen(t, w.two, w.second.String()+":5000")
	if err := nft(context.Background(), "delete table inet "+w.network.table()+"\n", "-f", "-"); err != nil {
		t.Fatal(err)
	}
	if err := w.dial(w.one, nil, w.second.String()+":5000"); err == nil {
		t.Error("a dyno reaches another one")
	}
	if err := w.reach(nil, w.second.String()+":5000"); err != nil {
		t.Errorf("the host does not reach a dyno: %v", err)
	}
	for _, rule := range w.network.barrier() {
		if err := netlink.RuleDel(rule); err != nil {
			t.Fatalf("the barrier is not there: %v", err)
		}
	}
	if err := w.reach(w.one, w.second.String()+":5000"); err != nil {
		t.Errorf("without the barrier either, a dyno should reach another one: %v", err)
	}
	for range 2 {
		if err := w.network.Ensure(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.dial(w.one, nil, w.second.String()+":5000"); err == nil {
		t.Error("a dyno reaches another one afterwards")
	}
}
