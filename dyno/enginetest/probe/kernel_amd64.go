package main

import "golang.org/x/sys/unix"

// old are calls that this processor's kernels alone have.
func old() []try {
	return []try{
		{"call iopl", call(unix.SYS_IOPL, 3)},
		{"call ioperm", call(unix.SYS_IOPERM, 0x80, 1, 1)},
		{"call modify_ldt", call(unix.SYS_MODIFY_LDT)},
		{"call create_module", call(unix.SYS_CREATE_MODULE)},
		{"call uselib", call(unix.SYS_USELIB)},
		{"call ustat", call(unix.SYS_USTAT)},
		{"call _sysctl", call(unix.SYS__SYSCTL)},
	}
}
