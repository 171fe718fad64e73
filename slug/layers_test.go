package slug

import (
	"archive/tar"
	"strings"
	"testing"
)

func TestNamesOfLayersHaveALimitTogether(t *testing.T) {
	l := &layers{root: newFolder(0o755), names: maxNames - 10}
	if err := l.apply(&tar.Header{Typeflag: tar.TypeSymlink, Name: "a", Linkname: "123456789"}, 0, 0); err != nil {
		t.Errorf("up to the limit: %v", err)
	}
	if err := l.apply(&tar.Header{Typeflag: tar.TypeReg, Name: "b"}, 0, 1); err == nil || !strings.Contains(err.Error(), "more than 256 MB") {
		t.Errorf("beyond the limit: %v", err)
	}
}
