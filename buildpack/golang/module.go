package golang

import (
	"fmt"
	"strings"

	"golang.org/x/mod/modfile"
)

// module is what go.mod says of interest to a build.
type module struct {
	Path      string
	Go        string   // go directive, "1.25" or "1.25.3"
	Toolchain string   // "1.26.1"; empty without one
	Heroku    string   // of the comment "+heroku goVersion"
	Install   []string // of the comment "+heroku install"
}

// defaultGo is used when nothing names a version.
const defaultGo = "1.26"

func parseModule(text []byte) (module, error) {
	f, err := modfile.ParseLax("go.mod", text, nil)
	if err != nil {
		return module{}, err
	}
	if f.Module == nil {
		return module{}, fmt.Errorf("it has no module line")
	}
	m := module{Path: f.Module.Mod.Path}
	if f.Go != nil {
		m.Go = f.Go.Version
	}
	if f.Toolchain != nil {
		m.Toolchain, _, _ = strings.Cut(strings.TrimPrefix(f.Toolchain.Name, "go"), "-")
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(strings.TrimSpace(line))
		if len(fields) < 3 || fields[0] != "//" || fields[1] != "+heroku" {
			continue
		}
		switch {
		case fields[2] == "goVersion" && len(fields) > 3:
			m.Heroku = strings.TrimPrefix(fields[3], "go")
		case fields[2] == "install":
			m.Install = fields[3:]
		}
	}
	return m, nil
}

// goVersion is the version or range to use, and what asked for it.
func (m module) goVersion(config string) (want, why string) {
	config = strings.TrimPrefix(strings.TrimSpace(config), "go")
	for _, c := range []struct{ v, why string }{
		{config, "config var GOVERSION"},
		{m.Heroku, "// +heroku goVersion in go.mod"},
		{known(m.Toolchain), "toolchain line of go.mod"},
		{m.Go, "go line of go.mod"},
	} {
		if c.v != "" {
			return floor(c.v), c.why
		}
	}
	return defaultGo, "the default"
}

// known drops "default" and "local", which name no version.
func known(toolchain string) string {
	if strings.HasPrefix(toolchain, "1.") {
		return toolchain
	}
	return ""
}

// floor turns "1.14", from before the module proxy had toolchains, into the
// oldest that it has; newer ones build such modules as well.
func floor(version string) string {
	var minor int
	if n, _ := fmt.Sscanf(version, "1.%d", &minor); n == 1 && minor < 21 {
		return "1.21"
	}
	return version
}
