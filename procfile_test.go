package kigo_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kigo-dev/kigo"
)

func TestParseProcfileKeepsTheOrderOfTypes(t *testing.T) {
	in := "\ufeffweb: bin/server -p $PORT\r\n\r\n# a comment\r\nworker:bin/worker\r\nrelease:   ./migrate  "
	got, err := kigo.ParseProcfile([]byte(in))
	if err != nil {
		t.Fatal(err)
	}
	want := []kigo.ProcessType{{Name: "web", Command: "bin/server -p $PORT"}, {Name: "worker", Command: "bin/worker"}, {Name: "release", Command: "./migrate"}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestParseProcfileNamesTheLineAtFault(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"no colon", "web: a\nworker bin/worker\n", `Procfile line 2 is not "type: command": "worker bin/worker"`},
		{"no command", "web:\n", `Procfile line 1 is not "type: command": "web:"`},
		{"twice", "web: a\n\nweb: b", "Procfile line 3 declares process type web again, it is already on line 1"},
		{"a shell's separator", "web;id: a", `Procfile line 1 is not "type: command": "web;id: a"`},
		{"bad name", "my web: a", `Procfile line 1 is not "type: command": "my web: a"`},
		{"long name", strings.Repeat("x", 64) + ": a", "the maximum is 63 characters"},
		{"binary", "web: a\x00b", "Procfile is not a text file in UTF-8"},
		{"latin-1", "web: caf\xe9", "Procfile is not a text file in UTF-8"},
		{"2 MB", "web: " + strings.Repeat("x", 2<<20), "Procfile is too large: 2097157 bytes, the maximum is 262144"},
		{"200 types", manyTypes(200), `Procfile line 101: process type "type100" is one too many, the maximum is 100`},
		{"a long command", "a: b\nweb: " + strings.Repeat("x", kigo.MaxCommand+1), "Procfile line 2: the command of web is too long: 16385 bytes, the maximum is 16384"},
		{"long line", strings.Repeat("é", 100), `"` + strings.Repeat("é", 60) + `…"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := kigo.ParseProcfile([]byte(c.in))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestAProcfileMayHaveAHundredTypes(t *testing.T) {
	if types, err := kigo.ParseProcfile([]byte(manyTypes(kigo.MaxProcessTypes))); err != nil || len(types) != 100 {
		t.Errorf("%d %v", len(types), err)
	}
}

func manyTypes(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "type%d: run\n", i)
	}
	return b.String()
}

func TestAnEmptyProcfileDeclaresNothing(t *testing.T) {
	got, err := kigo.ParseProcfile([]byte("\n# nothing yet\n"))
	if err != nil || len(got) != 0 {
		t.Errorf("got %v, %v", got, err)
	}
}

func FuzzParseProcfile(f *testing.F) {
	f.Add([]byte("web: bin/server\nworker: x"))
	f.Add([]byte("web bin\r\n#\xff"))
	f.Fuzz(func(t *testing.T, in []byte) {
		types, err := kigo.ParseProcfile(in)
		if err != nil {
			if strings.ContainsAny(err.Error(), "\n\r") {
				t.Errorf("message of several lines: %q", err)
			}
			return
		}
		var again strings.Builder
		for _, p := range types {
			if !kigo.ValidProcessType(p.Name) || p.Command == "" || strings.ContainsAny(p.Command, "\n\r\x00") {
				t.Errorf("accepted %q: %q", p.Name, p.Command)
			}
			again.WriteString(p.Name + ": " + p.Command + "\n")
		}
		if back, err := kigo.ParseProcfile([]byte(again.String())); err != nil || !cmp.Equal(back, types) {
			t.Errorf("printed and parsed again: %v, %v, want %v", back, err, types)
		}
	})
}
