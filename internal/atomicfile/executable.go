package atomicfile

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// Executable installs a program at path, mode 0755, unless it is there. Its
// folder is made. It can be executed when Executable returns: no child process
// inherits the file while it is open for writing, which would make the kernel
// refuse to execute it ("text file busy").
func Executable(path string, data []byte) error {
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("make program folder: %w", err)
	}
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	if err := Write(path, data, 0o755); err != nil {
		return fmt.Errorf("install program: %w", err)
	}
	return nil
}
