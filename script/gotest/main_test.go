package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const skipping = `{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"=== RUN   TestA\n"}
{"Action":"output","Package":"p","Test":"TestA","Output":"    a_test.go:3: needs root\n"}
{"Action":"skip","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Output":"ok  \tp\t0.1s\n"}
{"Action":"pass","Package":"p"}
`

const failing = `{"Action":"output","Package":"p","Test":"TestA","Output":"    a_test.go:3: want 1\n"}
{"Action":"fail","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Output":"FAIL\tp\t0.1s\n"}
{"Action":"fail","Package":"p"}
`

func run(stream string) (*report, *strings.Builder) {
	out := new(strings.Builder)
	r := &report{out: out, output: make(map[string]*strings.Builder)}
	r.read(strings.NewReader(stream))
	return r, out
}

func TestASkipIsAFailureInCIAlone(t *testing.T) {
	r, out := run(skipping)
	if !r.summary(false) {
		t.Error("a skip failed the run outside CI")
	}
	if r.summary(true) {
		t.Error("a skip passed in CI")
	}
	if want := "SKIP p TestA: a_test.go:3: needs root\n"; !strings.Contains(out.String(), want) {
		t.Errorf("the report lacks %q:\n%s", want, out)
	}
}

func TestAFailureShowsItsOutput(t *testing.T) {
	r, out := run(failing)
	if r.summary(false) {
		t.Error("a failed test passed")
	}
	for _, want := range []string{"want 1", "FAIL\tp", "1 tests, 1 failed, 0 skipped"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the report lacks %q:\n%s", want, out)
		}
	}
}

func TestTheLastWordsOfAFailureAreSaidAgainAtTheEnd(t *testing.T) {
	r, out := run(`{"Action":"output","Package":"p","Test":"TestA/b","Output":"step 1\n"}
{"Action":"output","Package":"p","Test":"TestA/b","Output":"FAIL: b.txtar:3\n"}
{"Action":"output","Package":"p","Test":"TestA","Output":"what went on besides\n"}
{"Action":"fail","Package":"p","Test":"TestA/b"}
{"Action":"fail","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Output":"FAIL\tp\t0.1s\n"}
{"Action":"fail","Package":"p"}
`)
	r.summary(true)
	if want := "FAIL\tp\t0.1s\nFAILED p TestA/b\nstep 1\nFAIL: b.txtar:3\n2 tests, 2 failed, 0 skipped\n"; !strings.HasSuffix(out.String(), want) {
		t.Errorf("the report ends:\n%s\nwant:\n%s", out, want)
	}
}

// What a test of tests says is much, and what made it fail is with the one within.
func TestWhatFailedWithinIsShownAfterTheTestItIsOf(t *testing.T) {
	_, out := run(`{"Action":"output","Package":"p","Test":"TestA/b","Output":"FAIL: b.txtar:3\n"}
{"Action":"fail","Package":"p","Test":"TestA/b"}
{"Action":"output","Package":"p","Test":"TestA","Output":"what went on besides\n"}
{"Action":"fail","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Output":"FAIL\tp\t0.1s\n"}
{"Action":"fail","Package":"p"}
`)
	if want := "what went on besides\nFAIL: b.txtar:3\nFAIL\tp\t0.1s\n"; out.String() != want {
		t.Errorf("the report is:\n%s\nwant:\n%s", out, want)
	}
}

func TestWhatFailedWithinIsShownWhenItsTestHasNoEnd(t *testing.T) {
	_, out := run(`{"Action":"output","Package":"p","Test":"TestA/b","Output":"FAIL: b.txtar:3\n"}
{"Action":"fail","Package":"p","Test":"TestA/b"}
{"Action":"output","Package":"p","Output":"panic: test timed out\n"}
{"Action":"fail","Package":"p"}
`)
	if want := "panic: test timed out\nFAIL: b.txtar:3\n"; out.String() != want {
		t.Errorf("the report is:\n%s\nwant:\n%s", out, want)
	}
}

func TestOfMuchOutputTheEndIsShownAndTheWholeKept(t *testing.T) {
	r, out := run("")
	r.whole = filepath.Join(t.TempDir(), "failed")
	var stream strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&stream, `{"Action":"output","Package":"p","Test":"TestA","Output":"line %d\n"}`+"\n", i)
	}
	stream.WriteString(`{"Action":"fail","Package":"p","Test":"TestA"}` + "\n")
	r.read(strings.NewReader(stream.String()))
	file := filepath.Join(r.whole, "p-TestA.txt")
	if lines := strings.Split(out.String(), "\n"); len(lines) != 62 || lines[1] != "line 940" || lines[60] != "line 999" || !strings.HasSuffix(lines[0], "left out (the whole: "+file+")") {
		t.Errorf("the report is:\n%s", out)
	}
	if whole, err := os.ReadFile(file); err != nil || !strings.HasPrefix(string(whole), "line 0\n") || !strings.HasSuffix(string(whole), "line 999\n") {
		t.Errorf("%s: %q, %v", file, whole, err)
	}
}

func TestTheEndOfATextIsItsLastWholeLines(t *testing.T) {
	for _, c := range []struct {
		text        string
		lines, size int
		want        string
	}{
		{"", 2, 100, ""},
		{"a", 2, 100, "a"},
		{"a\nb\n", 2, 100, "a\nb\n"},
		{"a\nb\nc\n", 2, 100, "b\nc\n"},
		{"a\nb\nc", 1, 100, "c"},
		{"a\nbb\ncc\n", 9, 6, "bb\ncc\n"},
		{"a\nbb\ncc\n", 9, 5, "cc\n"},
		{"a\nbb\ncc\n", 9, 1, "cc\n"},
	} {
		if got := ending(c.text, c.lines, c.size); got != c.want {
			t.Errorf("the last %d lines in %d bytes of %q are %q, want %q", c.lines, c.size, c.text, got, c.want)
		}
	}
}

func TestTheSuccessOfAPackageIsShown(t *testing.T) {
	_, out := run(skipping)
	if !strings.Contains(out.String(), "ok  \tp\t0.1s\n") {
		t.Errorf("the closing line is missing:\n%s", out)
	}
}
