package build_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const helloGo = `package main

import (
	"fmt"
	"net/http"
	"os"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, "hello") })
	http.ListenAndServe(":"+os.Getenv("PORT"), nil)
}
`

func TestAGoAppBecomesASlugAndTheSecondBuildUsesTheCache(t *testing.T) {
	p := newPlatform(t)
	files := map[string]string{
		"go.mod": "module example.com/hello\n\ngo " + p.useHostGo() + "\n", "main.go": helloGo, "Procfile": "web: bin/hello\n",
	}
	loop, _ := p.start()
	first := p.push(files)
	loop.Mark(p.app.ID)
	text := p.read(first)
	if p.end(first) != "succeeded" {
		t.Fatalf("first build: %s\n%s", p.end(first), text)
	}
	second := p.push(files)
	loop.Mark(p.app.ID)
	again := p.read(second)
	if strings.Contains(again, "net/http\n") || !strings.Contains(text, "net/http\n") {
		t.Errorf("the second build compiled the standard library again:\n%s", again)
	}
	p.compiled() // meanwhile the platform compiles the standard library for everybody
	p.app = p.newApp("other")
	third := p.push(files)
	loop.Mark(p.app.ID)
	if other := p.read(third); strings.Contains(other, "net/http\n") || p.end(third) != "succeeded" {
		t.Errorf("another app's first build compiled the standard library itself:\n%s", other)
	}
}

// compiled waits until the store of toolchains has a compiled standard library.
func (p *platform) compiled() {
	p.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	for {
		if found, _ := filepath.Glob(filepath.Join(p.dir, "toolchains", "gostd-*")); len(found) > 0 {
			return
		}
		wait(ctx, p)
	}
}
