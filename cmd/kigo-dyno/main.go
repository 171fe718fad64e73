// Kigo-dyno is the small static program beside every dyno: as "shim" it is the
// dyno's keeper on the host, as "init" it is process 1 inside. It is embedded
// into kigo (package oci) and written out at start; nobody runs it by hand.
package main

import (
	"fmt"
	"os"

	"github.com/kigo-dev/kigo/dyno/pid1"
	"github.com/kigo-dev/kigo/dyno/shim"
)

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: kigo-dyno shim BUNDLE | kigo-dyno init COMMAND [ARGUMENT…]")
		os.Exit(2)
	}
	switch os.Args[1] {
	case "init":
		os.Exit(pid1.Run(os.Args[2:]))
	case "shim":
		os.Exit(shim.Main(os.Args[2]))
	case "hold": // a process whose namespaces the engine borrows
		_, _ = os.Stdin.Read(make([]byte, 1))
		return
	}
	fmt.Fprintf(os.Stderr, "kigo-dyno: no such part: %s\n", os.Args[1])
	os.Exit(2)
}
