package run

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/kigo-dev/kigo/buildpack"
)

// Main runs the job of a file and returns the exit status.
func Main(ctx context.Context, args []string, stdout io.Writer) int {
	return main(args, stdout, func(r *Runner) bool { return r.Run(ctx) })
}

// ManifestMain reads the app.json of a job's source and returns the exit status.
func ManifestMain(ctx context.Context, args []string, stdout io.Writer) int {
	return main(args, stdout, func(r *Runner) bool { return r.Manifest(ctx) })
}

func main(args []string, stdout io.Writer, do func(*Runner) bool) int {
	file := buildpack.JobFile
	if len(args) > 0 {
		file = args[0]
	}
	r := Runner{Out: stdout}
	b, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(b, &r.Job)
	}
	if err != nil {
		fmt.Fprintf(stdout, " !     The build's job could not be read: %s\n", err)
		return 2
	}
	if !do(&r) {
		return 1
	}
	return 0
}
