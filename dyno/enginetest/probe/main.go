// Probe tries, from inside a dyno, every way out of it that its author knows of,
// and everything that it could read of others. It prints a line for each try,
// "open" or "closed" and its name, and the number of tries last. The engine's
// tests run it in each kind of launch and keep what is open in a golden file.
//
// Arguments NAME=ADDRESS add connections to try, NAME=/PATH files of others, and NAME=@ADDRESS
// a source address to connect to the address "public" from.
// Start reading at main, then kernel.go, files.go and net.go.
package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// try is one attempt; what it returns as an error says that it was kept from it.
type try struct {
	name string
	do   func() error
}

func main() {
	runtime.LockOSThread()
	count := 0
	for _, group := range [][]try{devices(), processFiles(), places(os.Args[1:]), sockets(), namespaces(), mounts(), processes(), kernel(), connections(os.Args[1:])} {
		for _, t := range group {
			word := "open"
			if err := t.do(); err != nil {
				word = "closed"
			}
			fmt.Println(word, t.name)
			count++
		}
	}
	fmt.Println("tried", count)
}

// reach is the error of a system call that was refused as such. Any other, such as
// one about arguments, comes from behind the refusal.
func reach(errno error) error {
	switch {
	case errors.Is(errno, unix.EPERM), errors.Is(errno, unix.EACCES), errors.Is(errno, unix.ENOSYS), errors.Is(errno, unix.EAFNOSUPPORT),
		errors.Is(errno, unix.EPROTONOSUPPORT), errors.Is(errno, unix.ESOCKTNOSUPPORT):
		return errno
	}
	return nil
}

// call makes a system call by its number; that it is reached at all counts.
func call(number uintptr, args ...uintptr) func() error {
	return func() error {
		var a [6]uintptr
		copy(a[:], args)
		_, _, errno := syscall.Syscall6(number, a[0], a[1], a[2], a[3], a[4], a[5])
		if errno == 0 {
			return nil
		}
		return reach(errno)
	}
}

// opens succeeds when a file can be opened.
func opens(path string, mode int) func() error {
	return func() error {
		f, err := os.OpenFile(path, mode|unix.O_NONBLOCK, 0)
		if err == nil {
			_ = f.Close()
		}
		return err
	}
}

// reads succeeds when a file has contents: masked ones are empty.
func reads(path string) func() error {
	return func() error {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = f.Read(make([]byte, 1))
		return err
	}
}

// writes succeeds when a file takes a text.
func writes(path, text string) func() error {
	return func() error { return os.WriteFile(path, []byte(text), 0) }
}
