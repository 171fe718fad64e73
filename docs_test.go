package kigo_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/kigo-dev/kigo/router"
)

var update = flag.Bool("update", false, "write generated parts of the documents anew")

// The table of H codes is made from the router's own.
func TestErrorsAreDocumentedAsTheRouterHasThem(t *testing.T) {
	const name, begin, end = "docs/errors.md", "-->\n", "<!-- end of codes -->"
	var table strings.Builder
	table.WriteString("| code | name | status | when |\n|---|---|---|---|\n")
	for _, c := range router.Codes {
		fmt.Fprintf(&table, "| %s | %s | %d | %s |\n", c.Name, c.Desc, c.Status, c.When)
	}
	text := read(t, name)
	from, to := strings.Index(text, begin)+len(begin), strings.Index(text, end)
	if from < len(begin) || to < from {
		t.Fatalf("%s has lost the marks around its generated table", name)
	}
	want := text[:from] + table.String() + text[to:]
	if text == want {
		return
	}
	if !*update {
		t.Fatalf("%s is not what router/codes.go says: run go test . -update", name)
	}
	if err := os.WriteFile(name, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}
