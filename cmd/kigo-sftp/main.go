// Kigo-sftp answers SFTP requests on its standard input and output, for ps:copy. It
// runs inside a dyno, as the dyno's user, and sees what that sees. It is
// embedded into kigo (package oci) and written out at start; nobody runs it by hand.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/pkg/sftp"
)

func main() {
	stdio := struct {
		io.Reader
		io.WriteCloser
	}{os.Stdin, os.Stdout}
	server, err := sftp.NewServer(stdio, sftp.WithServerWorkingDirectory("/app"))
	if err == nil {
		err = server.Serve()
	}
	if err != nil && !errors.Is(err, io.EOF) {
		fmt.Fprintln(os.Stderr, "kigo-sftp:", err)
		os.Exit(1)
	}
}
