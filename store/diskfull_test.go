package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/internal/testenv"
	"github.com/kigo-dev/kigo/store"
)

func TestARealFullDiskLosesNothingAcknowledged(t *testing.T) {
	testenv.NeedsRoot(t)
	cmd := reexec("full disk", t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS} // the mount is its own
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
}

// fillDisk works on a file system of 4 MiB, in a mount namespace of this process.
func fillDisk(dir string) error {
	if err := unix.Mount("kigo-test", dir, "tmpfs", 0, "size=4m"); err != nil {
		return fmt.Errorf("mount: %w", err)
	}
	ctx := context.Background()
	s, err := store.Open(ctx, "sqlite:"+filepath.Join(dir, "kigo.db"), childBox())
	if err != nil {
		return err
	}
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 1500<<10), 0o600); err != nil {
		return err
	}
	acknowledged, refusals := 0, 0
	for refusals < 20 && acknowledged < 1000 {
		err := put(s, fmt.Sprint("row", acknowledged), strings.Repeat("x", 5000))
		if err == nil {
			acknowledged++
			continue
		}
		refusals++
		if e, ok := kigo.AsError(err); !ok || e.ID != kigo.IDUnavailable {
			return fmt.Errorf("refused with %w", err)
		}
	}
	if refusals == 0 || acknowledged == 0 {
		return fmt.Errorf("%d acknowledged, %d refused", acknowledged, refusals)
	}
	if err := readRows(s, acknowledged); err != nil {
		return fmt.Errorf("while the disk is full: %w", err)
	}
	if err := os.Remove(ballast); err != nil {
		return err
	}
	if err := put(s, "after", "1"); err != nil {
		return fmt.Errorf("with space again: %w", err)
	}
	if err := s.Close(); err != nil {
		return err
	}
	// Opening checks the file.
	if s, err = store.Open(ctx, "sqlite:"+filepath.Join(dir, "kigo.db"), childBox()); err != nil {
		return err
	}
	return errors.Join(readRows(s, acknowledged), s.Close())
}

func readRows(s *store.Store, n int) error {
	return s.View(context.Background(), func(tx *store.Tx) error {
		for i := range n {
			if _, err := tx.Meta(fmt.Sprint("row", i)); err != nil {
				return fmt.Errorf("row %d of %d: %w", i, n, err)
			}
		}
		return nil
	})
}
