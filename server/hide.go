package server

import (
	"fmt"
	"net/url"
	"os"
	"strings"
	"syscall"
)

const (
	databaseFlag = "--database"
	databaseVar  = "KIGO_DATABASE"
)

// hideDatabase starts this program anew with the URL of the database in its environment,
// if the command line has one with a password: every user of the machine can read
// command lines. It returns when there is nothing to hide.
func hideDatabase(args []string) error {
	rest, found := withoutDatabase(args)
	if !hasPassword(found) {
		return nil
	}
	exe, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find own program: %w", err)
	}
	if err := os.Setenv(databaseVar, found); err != nil {
		return fmt.Errorf("set %s: %w", databaseVar, err)
	}
	return fmt.Errorf("start anew without the password in the command line: %w", syscall.Exec(exe, append([]string{os.Args[0], "server"}, rest...), os.Environ()))
}

func hasPassword(database string) bool {
	u, err := url.Parse(database)
	if err != nil || u.User == nil {
		return false
	}
	_, secret := u.User.Password()
	return secret
}

// withoutDatabase takes --database out of a command line; the last one counts.
func withoutDatabase(args []string) (rest []string, database string) {
	for i := 0; i < len(args); i++ {
		value, joined := strings.CutPrefix(args[i], databaseFlag+"=")
		switch {
		case args[i] == "--":
			return append(rest, args[i:]...), database
		case joined:
			database = value
		case args[i] == databaseFlag && i+1 < len(args):
			i++
			database = args[i]
		default:
			rest = append(rest, args[i])
		}
	}
	return rest, database
}
