package apt

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"github.com/kigo-dev/kigo/buildpack"
)

// alternative is a name that a package gives one of its files when it is installed.
type alternative struct{ link, file string }

// alternatives reads them out of a package's script, which is never run: a few
// packages, such as figlet or vim, have their programs under other names otherwise.
func alternatives(script string) (all []alternative) {
	script = strings.ReplaceAll(script, "\\\n", " ")
	for line := range strings.Lines(script) {
		words := strings.Fields(line)
		if len(words) == 0 || !strings.HasSuffix(words[0], "update-alternatives") {
			continue
		}
		for i, word := range words {
			if (word == "--install" || word == "--slave") && i+3 < len(words) {
				all = append(all, alternative{words[i+1], words[i+3]})
			}
		}
	}
	return all
}

// alternatives makes the links of one package that was unpacked.
func (a *app) alternatives(ctx context.Context, deb string) error {
	script, err := buildpack.Command{Args: []string{"dpkg-deb", "--info", deb, "postinst"}, Dir: a.Dir, Env: os.Environ()}.Output(ctx)
	if err != nil {
		return nil // most packages have none
	}
	root, err := os.OpenRoot(filepath.Join(a.Dir, ".apt"))
	if err != nil {
		return err
	}
	defer root.Close()
	for _, alt := range alternatives(script) {
		link, file := strings.TrimPrefix(alt.link, "/"), strings.TrimPrefix(alt.file, "/")
		if !filepath.IsLocal(link) || !filepath.IsLocal(file) {
			continue
		}
		if _, err := root.Stat(file); err != nil { // the package has it not, or names it by a variable
			continue
		}
		to, err := filepath.Rel(filepath.Dir(link), file)
		if err != nil {
			continue
		}
		if err := root.MkdirAll(filepath.Dir(link), 0o755); err != nil {
			return err
		}
		if err := root.Symlink(to, link); err != nil && !os.IsExist(err) {
			return err
		}
	}
	return nil
}
