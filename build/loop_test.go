package build_test

import (
	"strings"
	"testing"
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
	t.Log(text)
	t.Log(again)
}
