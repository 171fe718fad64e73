package server

import (
	"slices"
	"testing"
)

func TestTheDatabaseIsTakenOutOfACommandLine(t *testing.T) {
	const url = "postgres://kigo:secret@db/kigo"
	for _, args := range [][]string{
		{"--data", "/d", "--database", url, "--verbose"},
		{"--data", "/d", "--database=" + url, "--verbose"},
		{"--database", "sqlite", "--data", "/d", "--database", url, "--verbose"},
	} {
		rest, found := withoutDatabase(args)
		if found != url || !slices.Equal(rest, []string{"--data", "/d", "--verbose"}) {
			t.Errorf("%q: %q and %q", args, rest, found)
		}
	}
	if err := hideDatabase([]string{"--database", "postgres://kigo@db/kigo"}); err != nil {
		t.Errorf("without a password there is nothing to hide: %v", err)
	}
}
