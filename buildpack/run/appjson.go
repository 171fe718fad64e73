package run

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/kigo-dev/kigo"
)

// errNotAFile is a name of the source that holds something else.
var errNotAFile = errors.New("is not a file")

// appJSON keeps the source's app.json with the slug. One that cannot be read is
// said and left out: Heroku deploys such an app as well.
func (r *Runner) appJSON(context.Context) error {
	text, err := r.sourceFile("app.json", kigo.MaxAppJSON)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var parsed kigo.AppJSON
	if err == nil {
		parsed, err = kigo.ParseAppJSON(text)
	}
	if err != nil {
		r.out.Warn("%s", err)
		r.out.Warn("It is ignored: health checks and scripts that it names are not used.")
		r.out.Plain("")
		return nil
	}
	for _, name := range parsed.Unknown {
		r.out.Warn("app.json: %s is not known, and ignored.", name)
	}
	r.result.AppJSON = string(text)
	return nil
}

// manifest is appJSON for an app that is made as the file says: without a good
// one there is nothing to make.
func (r *Runner) manifest(context.Context) error {
	text, err := r.sourceFile("app.json", kigo.MaxAppJSON)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return reject("app.json not found: the source has none at its root")
	case err != nil:
		return reject("%s", err)
	}
	r.result.AppJSON = string(text)
	return nil
}

// sourceFile reads a small file at the root of the build's folder, and none
// outside of it. At most most+1 bytes are read.
func (r *Runner) sourceFile(name string, most int64) ([]byte, error) {
	root, err := os.OpenRoot(r.Job.Layout.Build)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	if st, err := root.Stat(name); err != nil {
		return nil, err
	} else if !st.Mode().IsRegular() {
		return nil, fmt.Errorf("%s %w", name, errNotAFile)
	}
	f, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, most+1))
}
