// Command kigo is the platform and its command line in one program: `kigo server`
// runs the platform, git and the supervisor call it under other names, and
// everything else is a command for users.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/kigo-dev/kigo/cli"
	"github.com/kigo-dev/kigo/git/hook"
	"github.com/kigo-dev/kigo/server"
	"github.com/kigo-dev/kigo/slug"
)

func main() { os.Exit(run(filepath.Base(os.Args[0]), os.Args[1:])) }

// run picks a program by the name it was called with, then by its first word.
func run(name string, args []string) int {
	if name == hook.Name {
		return hook.Main()
	}
	word := ""
	if len(args) > 0 {
		word = args[0]
	}
	switch word {
	case "server":
		return report(server.Main(args[1:], os.Stdout))
	case "control":
		return report(server.Control())
	case "router":
		return report(server.Router())
	case "stack":
		return report(server.Stack(args[1:], os.Stdout))
	case slug.Verb:
		return slug.PackMain(args[1:])
	}
	return cli.Main(context.Background(), args, os.Stdin, os.Stdout, os.Stderr)
}

func report(err error) int {
	if err == nil {
		return 0
	}
	fmt.Fprintln(os.Stderr, "kigo:", err)
	return 1
}
