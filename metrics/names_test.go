package metrics

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the table in docs/metrics.md")

const (
	metricsPage = "../docs/metrics.md"
	tableBegins = "<!-- made by go test ./metrics -update -->\n"
)

// The table of names is made from the code, so that none is undocumented.
func TestMetricsPageIsCurrent(t *testing.T) {
	data, err := os.ReadFile(metricsPage)
	if err != nil {
		t.Fatal(err)
	}
	head, _, found := strings.Cut(string(data), tableBegins)
	if !found {
		t.Fatalf("docs/metrics.md has no line %q", tableBegins)
	}
	var b strings.Builder
	b.WriteString(head + tableBegins + "\n| name | type | labels besides app | what |\n|---|---|---|---|\n")
	for _, n := range Names {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", n.Name, n.Type, strings.Join(n.Labels, ", "), n.Help)
	}
	if *update {
		if err := os.WriteFile(metricsPage, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if d := cmp.Diff(b.String(), string(data)); d != "" && !*update {
		t.Errorf("run go test ./metrics -update (-want +got):\n%s", d)
	}
}
