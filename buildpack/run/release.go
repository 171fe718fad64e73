package run

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/buildpack"
)

// release asks the last buildpack for default process types; those of earlier
// ones do not count. Exports are not sourced before it, as on Heroku.
func (r *Runner) release(ctx context.Context) error {
	last := r.packs[len(r.packs)-1]
	if !isFile(filepath.Join(last.dir, "bin", "release")) {
		return nil
	}
	cmd := r.step(last, "release", r.Job.Layout.Build)
	heard := listen(cmd)
	err := runStep(ctx, cmd)
	said, all := heard.text()
	if err != nil {
		r.out.Plain("%s", strings.TrimRight(all, "\n"))
		r.out.Plain("")
		r.out.Warn("bin/release of the buildpack %s %s.", last.ref.Name, ending(err))
		return reject("Push rejected, failed to compile %s app.", last.language)
	}
	var rel buildpack.Release
	if err := yaml.Unmarshal([]byte(said), &rel); err != nil {
		r.out.Warn("bin/release of the buildpack %s printed something that is not YAML: %s", last.ref.Name, err)
		return reject("Push rejected, failed to compile %s app.", last.language)
	}
	r.defaults = rel.ProcessTypes
	r.result.Config, r.result.Addons = rel.ConfigVars, rel.Addons
	return nil
}

// checkProcfile refuses a bad Procfile before a minute is spent on compiling. A
// buildpack may still write one.
func (r *Runner) checkProcfile(context.Context) error {
	_, err := r.procfile()
	return err
}

func (r *Runner) procfile() ([]kigo.ProcessType, error) {
	root, err := os.OpenRoot(r.Job.Layout.Build)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	st, err := root.Stat("Procfile")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil || !st.Mode().IsRegular() {
		return nil, reject("Procfile is not a file")
	}
	if st.Size() > kigo.MaxProcfile {
		return nil, reject("Procfile is too large: %d bytes, the maximum is %d", st.Size(), kigo.MaxProcfile)
	}
	text, err := root.ReadFile("Procfile")
	if err != nil {
		return nil, err
	}
	types, err := kigo.ParseProcfile(text)
	if err != nil {
		return nil, reject("%s", err)
	}
	return types, nil
}

// discover joins the Procfile's types with the buildpack's defaults.
func (r *Runner) discover(context.Context) error {
	types, err := r.procfile()
	if err != nil {
		return err
	}
	r.result.ProcessTypes = map[string]string{}
	var declared, defaults []string
	for _, t := range types {
		declared = append(declared, t.Name)
		r.result.ProcessTypes[t.Name] = t.Command
	}
	r.result.Order = slices.Clone(declared)
	for _, name := range slices.Sorted(maps.Keys(r.defaults)) {
		if _, ok := r.result.ProcessTypes[name]; ok || !kigo.ValidProcessType(name) {
			continue
		}
		defaults = append(defaults, name)
		r.result.ProcessTypes[name] = r.defaults[name]
	}
	r.result.Order = append(r.result.Order, defaults...)
	slices.Sort(declared)
	r.out.Title("Discovering process types")
	if len(defaults) == 0 {
		r.out.Line("Procfile declares types -> %s", list(declared))
	} else {
		r.out.Line("Procfile declares types     -> %s", list(declared))
		r.out.Line("Default types for buildpack -> %s", list(defaults))
	}
	if len(r.result.Order) == 0 {
		r.out.Warn("This app has no process types: nothing will run.")
		r.out.Warn("Say what starts it in a Procfile, such as:  web: bin/server")
	}
	r.out.Plain("")
	return nil
}

func list(names []string) string {
	if len(names) == 0 {
		return "(none)"
	}
	return strings.Join(names, ", ")
}
