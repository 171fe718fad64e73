package build

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/net/netutil"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/buildpack"
	"github.com/kigo-dev/kigo/stack"
	"github.com/kigo-dev/kigo/store"
)

// Images is what builds of Dockerfiles need of the platform.
type Images interface {
	Root(ctx context.Context) (kigo.Image, error) // in which they are built; stack.ErrNoBuildah where that cannot be
	Registry(app kigo.App) http.Handler           // the registry, as builds of the app may read it
	About(app kigo.App) buildpack.ImageJob        // names of that
	// Take adopts what was built out of an OCI layout, for the processes that were asked for. An
	// error that is a *kigo.Error is the app's fault.
	Take(ctx context.Context, app kigo.App, layout *os.Root, images []string, processes []buildpack.Process) (kigo.Slug, error)
}

// container reports whether the build is of Dockerfiles.
func (a *attempt) container() bool { return a.build.Stack == kigo.StackContainer }

// checkContainer refuses what this server or this app cannot build.
func (a *attempt) checkContainer(ctx context.Context) error {
	var isolation kigo.Isolation
	err := a.loop.Store.View(ctx, func(tx *store.Tx) (err error) {
		isolation, err = tx.Isolation(a.app.ID)
		return err
	})
	if err != nil {
		return err
	}
	if isolation == kigo.IsolationHardened {
		return &refusal{why: "no Dockerfiles with hardened isolation", lines: []string{
			"", " !     Your app has hardened isolation, with which Dockerfiles are not built.",
			" !     Build the image elsewhere, push it and release it with heroku container:release.", ""}}
	}
	if a.loop.Images == nil {
		return errNoBuildah("this server builds no Dockerfiles")
	}
	a.root, err = a.loop.Images.Root(ctx)
	if errors.Is(err, stack.ErrNoBuildah) {
		return errNoBuildah("no buildah on the server")
	}
	return err
}

func errNoBuildah(why string) error {
	return &refusal{why: why, lines: []string{
		"", " !     Your app is on the container stack, and this server has no buildah, which builds Dockerfiles:",
		" !     its operator can install it, with apt-get install buildah.",
		" !     Or push an image with docker and release it with heroku container:release,",
		" !     or have the app built by buildpacks: heroku stack:set heroku-22", ""}}
}

// containerJob is what the runner is told: no config vars, which images do not have.
func (a *attempt) containerJob() ([]byte, error) {
	job := a.job()
	job.Config, job.Buildpacks = nil, nil
	job.Images = a.loop.Images.About(a.app)
	job.Images.Socket, job.Images.Work, job.Images.Layout = filepath.Join(buildpack.RegistryDir, "socket"), "/tmp/images", buildpack.ImageDir
	return json.Marshal(job)
}

// launchContainer starts the sandbox as the one kind of launch that may make images.
func (a *attempt) launchContainer(ctx context.Context) error {
	if err := a.serveRegistry(); err != nil {
		return err
	}
	s := a.sandbox
	l := a.loop.newLaunch(s.id, s.kigo)
	l.App, l.UIDBase, l.Stack, l.Builder = a.app.ID, a.app.UIDBase, a.root, true
	l.Memory, l.Scratch, l.Pids = a.loop.Memory, a.loop.Scratch, 4096
	l.Command = []string{buildpack.Program, "container", buildpack.JobFile}
	l.Binds = append(l.Binds,
		kigo.Bind{Source: s.tree, Target: buildpack.BuildPrefix + s.hex, Writable: true},
		kigo.Bind{Source: s.codon, Target: buildpack.Work, Writable: true},
		kigo.Bind{Source: filepath.Join(s.dir, secrets, "job"), Target: filepath.Dir(buildpack.JobFile)},
	)
	return a.loop.Engine.Start(ctx, l)
}

// maxReaders is how many connections to the registry a build may have at once: buildah
// opens 6 for an image's layers.
const maxReaders = 32

// serveRegistry gives the sandbox the registry, by a socket of its own: it has no other
// way to the platform.
func (a *attempt) serveRegistry() error {
	dir := filepath.Join(a.sandbox.kigo, filepath.Base(buildpack.RegistryDir))
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	folder, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer folder.Close()
	// The path of a socket is short, and that of the data folder may be long.
	ln, err := net.Listen("unix", fmt.Sprintf("/proc/self/fd/%d/socket", folder.Fd()))
	if err != nil {
		return fmt.Errorf("serve the registry to a build: %w", err)
	}
	ln.(*net.UnixListener).SetUnlinkOnClose(false) // the folder goes as a whole
	if err := os.Chown(filepath.Join(dir, "socket"), a.sandbox.uid, a.sandbox.uid); err != nil {
		return errors.Join(err, ln.Close())
	}
	server := &http.Server{
		Handler: a.loop.Images.Registry(a.app), MaxHeaderBytes: 64 << 10,
		ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute,
		ReadTimeout: a.loop.Limit, // it also ends answers, and a base image may take long
	}
	go server.Serve(netutil.LimitListener(ln, maxReaders)) //nolint:errcheck // it ends with the build
	a.sandbox.registry = server
	return nil
}

// takeImages makes what was built the app's.
func (a *attempt) takeImages(ctx context.Context) error {
	a.say.Title("Taking over the images...")
	layout, err := a.layout()
	if err != nil {
		return err
	}
	defer layout.Close()
	made, err := a.loop.Images.Take(ctx, a.app, layout, a.result.Images, a.result.Processes)
	if e, ok := kigo.AsError(err); ok {
		return &refusal{why: e.Message, lines: []string{"", " !     " + e.Message, ""}}
	}
	if err != nil {
		return err
	}
	made.App, made.Stack = a.app.ID, a.build.Stack
	made.Commit, made.CommitDescription, made.AppJSON = a.build.Source.Version, a.build.Source.Description, goodAppJSON(a.result.AppJSON)
	a.slug = made
	return nil
}

// layout opens what was built. The build could write to the folder around it, and have put
// a link in its place.
func (a *attempt) layout() (*os.Root, error) {
	codon, err := os.OpenRoot(a.sandbox.codon)
	if err != nil {
		return nil, err
	}
	defer codon.Close()
	layout, err := codon.OpenRoot(filepath.Base(buildpack.ImageDir))
	if err != nil {
		return nil, &refusal{why: "no folder of images", lines: []string{
			"", " !     The images that were built are not where they were written to: a step of a Dockerfile must leave " + buildpack.Work + " alone.", ""}}
	}
	return layout, nil
}
