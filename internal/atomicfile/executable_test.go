package atomicfile

import (
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
)

func TestAProgramCanBeExecutedWhileOthersAreStarted(t *testing.T) {
	dir := t.TempDir()
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for n := range 10 {
				path := filepath.Join(dir, strconv.Itoa(i), strconv.Itoa(n), "program")
				if err := Executable(path, []byte("#!/bin/sh\nexit 0\n")); err != nil {
					t.Error(err)
				}
				if err := Executable(path, []byte("#!/bin/sh\nexit 1\n")); err != nil { // it is there: nothing happens
					t.Error(err)
				}
				if err := exec.Command(path).Run(); err != nil {
					t.Errorf("execute: %v", err)
				}
			}
		})
	}
	all.Wait()
}
