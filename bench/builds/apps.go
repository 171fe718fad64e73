package main

import (
	"encoding/json"
	"fmt"
)

const goProgram = `package main

import (
	"fmt"
	"net/http"
	"os"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, %q) })
	http.ListenAndServe(":"+os.Getenv("PORT"), nil)
}
`

func goApp(word string) map[string]string {
	return map[string]string{"go.mod": "module example.com/bench\n\ngo 1.26\n", "Procfile": "web: bench\n", "main.go": fmt.Sprintf(goProgram, word)}
}

// nodeApp is an app with that many packages. They are folders of the app, which npm
// installs as it does those of a registry but for the fetching.
func nodeApp(packages int) map[string]string {
	files := map[string]string{"Procfile": "web: node server.js\n", "server.js": "require('http').createServer((q, r) => r.end('ok')).listen(process.env.PORT)\n"}
	depends := map[string]string{}
	lock := map[string]any{}
	for n := range packages {
		name := fmt.Sprintf("bench-%03d", n)
		depends[name] = "file:packages/" + name
		about := text(map[string]any{"name": name, "version": "1.0.0", "main": "index.js"})
		files["packages/"+name+"/package.json"] = about
		for file := range 20 {
			files[fmt.Sprintf("packages/%s/lib/%d.js", name, file)] = fmt.Sprintf("module.exports = %d; // %s\n", file, name)
		}
		lock["packages/"+name] = map[string]any{"version": "1.0.0"}
		lock["node_modules/"+name] = map[string]any{"resolved": "packages/" + name, "link": true}
	}
	lock[""] = map[string]any{"name": "bench", "version": "1.0.0", "dependencies": depends}
	files["package.json"] = text(map[string]any{"name": "bench", "version": "1.0.0", "engines": map[string]string{"node": "22.x"}, "dependencies": depends})
	files["package-lock.json"] = text(map[string]any{"name": "bench", "version": "1.0.0", "lockfileVersion": 3, "requires": true, "packages": lock})
	files[".npmrc"] = "install-links=true\n"
	return files
}

func text(v any) string {
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		panic(err) // maps of texts
	}
	return string(b) + "\n"
}
