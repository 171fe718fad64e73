package shim

import (
	"errors"
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"
)

// withEmptyKeyring has run start a process whose session keyring is empty and belongs to
// root, which has room for a million. One that the runtime makes counts against the 200
// keys of the app's own uid, and an app of a hundred dynos starts no more. Dynos have no use for it:
// the system calls are forbidden to them.
func withEmptyKeyring(run func() error) error {
	runtime.LockOSThread() // a keyring is a thread's
	defer runtime.UnlockOSThread()
	const anonymous = 0
	if _, err := unix.KeyctlInt(unix.KEYCTL_JOIN_SESSION_KEYRING, anonymous, 0, 0, 0); err != nil && !errors.Is(err, unix.ENOSYS) {
		return fmt.Errorf("make session keyring: %w", err)
	}
	return run()
}
