package toolchain

import (
	"context"
	"fmt"
	"io"
)

// Main fetches one tool into a folder: what the trusted launch runs. It prints
// the checksum, or one line that says why it failed.
func Main(ctx context.Context, args []string, stdout io.Writer) int {
	if len(args) != 2 {
		fmt.Fprintln(stdout, "usage: fetch TOOL DIR")
		return 2
	}
	t, err := ParseName(args[0])
	var sum string
	if err == nil {
		sum, err = Fetch(ctx, t, args[1])
	}
	if err != nil {
		fmt.Fprintln(stdout, err)
		return 1
	}
	fmt.Fprintln(stdout, sum)
	return 0
}
