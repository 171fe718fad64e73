package cli_test

import (
	"strings"
	"testing"
)

func TestAReleaseIsShownWithTheSizeOfItsSlug(t *testing.T) {
	env := environment(t, newFake(t))
	out, errs, code := kigo(t, env, "", "releases:info", "v5", "-a", "myapp")
	if code != 0 || !strings.Contains(out, "\nSlug Size:              14 MB\n") {
		t.Errorf("status %d, %s\n%s", code, errs, out)
	}
	out, errs, code = kigo(t, env, "", "releases:info", "v6", "-a", "myapp")
	if code != 0 || strings.Contains(out, "Slug Size") || !strings.Contains(out, "Eligible for Rollback?") {
		t.Errorf("of a slug that was removed: status %d, %s\n%s", code, errs, out)
	}
}
