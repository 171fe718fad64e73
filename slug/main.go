package slug

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"time"

	"github.com/kigo-dev/kigo/internal/image"
)

// Limits of one slug besides its compressed size: they bound the child's memory
// and time, far above what real apps have (a large one has 100,000 files).
const (
	maxFiles = 1_000_000
	maxBytes = 4 << 30
)

// dynoOwner owns everything in a slug: the user that dynos run as.
var dynoOwner = image.Owner{UID: 1000, GID: 1000}

// refusedError is what is the tenant's fault, in a sentence for the user.
type refusedError struct{ text string }

func (e *refusedError) Error() string { return e.text }

func refuse(format string, args ...any) error {
	return &refusedError{fmt.Sprintf(format, args...)}
}

// PackMain is the child: cmd/kigo calls it with the arguments after Verb and
// exits with what it returns. Everything that it reads was written by a tenant.
func PackMain(args []string) int {
	err := childMain(args)
	if err == nil {
		return 0
	}
	if errors.Is(err, image.ErrTooMany) {
		err = refuse("The app has more than %d files, the most that a slug may hold.", maxFiles)
	}
	var refused *refusedError
	if errors.As(err, &refused) {
		fmt.Fprintln(os.Stderr, refused)
		return exitRefused
	}
	fmt.Fprintln(os.Stderr, err)
	return 1
}

func childMain(args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("usage: %s VERB REQUEST (it is started by kigo itself)", Verb)
	}
	var req request
	if err := json.Unmarshal([]byte(args[1]), &req); err != nil {
		return fmt.Errorf("read request: %w", err)
	}
	if err := boundsOf(args[0]).keep(); err != nil {
		return err
	}
	in := os.NewFile(3, "in")
	switch args[0] {
	case verbExport:
		return exportImage(in, os.Stdout)
	case verbFolder, verbArchive, verbLayers:
	default:
		return fmt.Errorf("no such verb: %q", args[0])
	}
	when := image.Epoch
	if req.Time != 0 {
		when = time.Unix(req.Time, 0)
	}
	if args[0] == verbLayers {
		rep, err := flattenMain(in, os.NewFile(4, "out"), req.Layers, req.User, when)
		if err != nil {
			return err
		}
		return json.NewEncoder(os.Stdout).Encode(rep)
	}
	pack := packFolder
	if args[0] == verbArchive {
		pack = packArchive
	}
	rep, err := pack(in, os.NewFile(4, "out"), when)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(rep)
}

// packFolder writes the folder as an image and counts its compressed size on the way.
func packFolder(dir, out *os.File, when time.Time) (reply, error) {
	count := newCounter()
	stats, err := image.Write(out, dir, image.Options{
		Owner:    &dynoOwner,
		Time:     when,
		MaxFiles: maxFiles,
		Skip:     skipped,
		Special:  refuseSpecial,
		Tee:      count,
	})
	size, cerr := count.Close()
	if err == nil {
		err = cerr
	}
	if err != nil {
		return reply{}, err
	}
	return reply{Size: size, RawSize: stats.Bytes, Files: stats.Files}, nil
}

// skipped are the names that a slug never holds, as in Heroku's compiler.
func skipped(name string) bool {
	base := path.Base(name)
	return base == ".git" || base == ".DS_Store"
}

func refuseSpecial(name string, mode fs.FileMode) error {
	if mode&fs.ModeDevice != 0 {
		return refuse("%s is a device file. A slug holds files, folders and symbolic links only.", name)
	}
	return nil // sockets and pipes mean nothing without the process that made them
}
