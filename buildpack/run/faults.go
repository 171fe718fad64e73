package run

import (
	"errors"
	"syscall"
)

// isOurs reports whether an error is the machine's: no room, no memory, a
// failing disk. An app cannot mend those.
func isOurs(err error) bool {
	for _, e := range []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EIO, syscall.EROFS, syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM, syscall.EACCES, syscall.EPERM} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
