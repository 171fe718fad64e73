package shim

import (
	"fmt"
	"os"

	"github.com/kigo-dev/kigo/internal/loop"
)

// DiskFile is the sparse file in the bundle that holds a limited disk.
const DiskFile = DiskFolder + ".img"

// scratch makes the disk folder. When its size is limited it is a copy of an
// empty file system of that size: the one kind of quota that works on every host.
func scratch(template, folder string) error {
	if err := os.Mkdir(folder, 0o711); err != nil {
		return fmt.Errorf("make disk: %w", err)
	}
	if template == "" {
		return nil
	}
	if err := loop.NewDisk(template, folder+".img", folder, loop.Discard); err != nil {
		return err
	}
	return os.Chmod(folder, 0o711)
}
