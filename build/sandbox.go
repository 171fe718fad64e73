package build

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/buildpack"
	"github.com/kigo-dev/kigo/slug"
	"github.com/kigo-dev/kigo/store"
)

// sandbox is the host's side of a build's places (buildpack/job.go):
//
//	builds/ID/kigo    /opt/kigo     read-only: job, source, certificates; mount points of bin and toolchains
//	builds/ID/disk    a file system of its own (disk.go), with
//	        …/tree    /tmp/build_…  BUILD_DIR, what becomes the slug
//	        …/codon   /tmp/codon    buildpacks, wishes, result
//	builds/ID/cache   CACHE_DIR     the app's cache (cache.go)
//	builds/ID/secret  in memory: the job in /opt/kigo/job, and ENV_DIR
type sandbox struct {
	dir, kigo, tree, codon string
	id                     kigo.DynoID
	hex                    string
	cache                  *cache
	keepCache              bool
	uid                    int
	image                  kigo.Image
	registry               *http.Server // of a build of Dockerfiles
}

// launchID names a build's launch; the prefix is how builds are told from dynos.
func launchID(name string) kigo.DynoID { return kigo.DynoID("build-" + name) }

// prepare makes the folders, the job and the source.
func (a *attempt) prepare(ctx context.Context) error {
	if a.loop.Program == "" {
		return errNoProgram
	}
	if a.container() && !a.looks {
		if err := a.checkContainer(ctx); err != nil {
			return err
		}
	}
	var random [4]byte
	rand.Read(random[:])
	dir := a.loop.path("builds", string(a.build.ID))
	s := &sandbox{
		dir: dir, kigo: filepath.Join(dir, "kigo"), tree: filepath.Join(dir, disk, "tree"), codon: filepath.Join(dir, disk, "codon"),
		id: launchID(string(a.build.ID)), hex: hex.EncodeToString(random[:]), uid: int(slug.AppUID(a.app.UIDBase)),
	}
	a.sandbox = s
	if err := os.MkdirAll(dir, 0o711); err != nil {
		return err
	}
	if _, err := a.loop.newDisk(dir, disk); err != nil {
		return err
	}
	if err := s.folders(); err != nil {
		return err
	}
	var err error
	if s.cache, err = a.loop.openCache(a.app, a.build.Stack, dir); err != nil {
		return err
	}
	if err := a.loop.installCA(s.kigo); err != nil {
		return err
	}
	if err := a.copySource(ctx); err != nil {
		return err
	}
	job, err := json.Marshal(a.job())
	if a.container() && !a.looks {
		job, err = a.containerJob()
	}
	if err != nil {
		return err
	}
	return s.giveSecret(job)
}

// secrets is the folder in memory: config vars are never on the disk in the clear.
const secrets = "secret"

// secretsSize bounds it: a job twice over, as a file and as files of config vars.
const secretsSize = "16m"

// giveSecret puts the job where the build can read it and nobody else can.
func (s *sandbox) giveSecret(job []byte) error {
	dir := filepath.Join(s.dir, secrets)
	if err := os.Mkdir(dir, 0o711); err != nil {
		return err
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "mode=711,size="+secretsSize); err != nil {
		return fmt.Errorf("mount %s: %w", dir, err)
	}
	for _, name := range []string{"job", "env"} {
		part := filepath.Join(dir, name)
		if err := errors.Join(os.Mkdir(part, 0o700), os.Chown(part, s.uid, s.uid)); err != nil {
			return err
		}
	}
	file := filepath.Join(dir, "job", filepath.Base(buildpack.JobFile))
	return errors.Join(os.WriteFile(file, job, 0o400), os.Chown(file, s.uid, s.uid))
}

func (s *sandbox) folders() error {
	for _, dir := range []string{s.kigo, filepath.Join(s.kigo, "bin"), filepath.Join(s.kigo, "toolchains"), filepath.Join(s.kigo, "refusals"), filepath.Join(s.kigo, filepath.Base(filepath.Dir(buildpack.JobFile))), filepath.Join(s.kigo, filepath.Base(buildpack.Operators))} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			return err
		}
	}
	for _, dir := range []string{s.tree, s.codon, filepath.Join(s.codon, "tmp"), filepath.Join(s.codon, "tmp", "cache"), filepath.Join(s.codon, "toolchains")} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			return err
		}
		if err := os.Chown(dir, s.uid, s.uid); err != nil {
			return err
		}
	}
	return nil
}

// installCA copies the host's certificate authorities into a folder.
func (l *Loop) installCA(dir string) error {
	if l.Host.CAFile == "" {
		return nil
	}
	return copyFile(l.Host.CAFile, filepath.Join(dir, filepath.Base(buildpack.CAFile)), 0o444)
}

func copyFile(from, to string, mode os.FileMode) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	return copyInto(in, to, mode)
}

func copyInto(in *os.File, to string, mode os.FileMode) error {
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		out.Close()
		return err
	}
	return out.Close()
}

// copySource puts the source beside the job, when it is ours to give.
func (a *attempt) copySource(ctx context.Context) error {
	if a.build.Source.Blob == "" {
		return nil
	}
	in, err := a.loop.Blobs.Open(ctx, a.build.Source.Blob)
	if errors.Is(err, kigo.ErrNotFound) {
		return &refusal{why: "source is missing", lines: []string{
			"", " !     The source of this build is no longer there. Upload it again and start a new build.", ""}}
	}
	if err != nil {
		return err
	}
	defer in.Close()
	file := filepath.Join(a.sandbox.kigo, filepath.Base(buildpack.SourceFile))
	if err := copyInto(in, file, 0o400); err != nil {
		return err
	}
	return os.Chown(file, a.sandbox.uid, a.sandbox.uid)
}

func (a *attempt) job() buildpack.Job {
	job := buildpack.Job{
		Layout: buildpack.Default(a.sandbox.hex), Stack: a.build.Stack, SourceVersion: a.build.Source.Version,
		RequestID: string(a.build.ID), Dyno: "build.1", Buildpacks: a.build.Buildpacks, Config: a.config,
		HostEnv: a.loop.Host.With(buildpack.CAFile), Checksum: a.build.Source.Checksum,
	}
	if a.build.Source.Blob == "" {
		job.SourceURL = a.build.Source.URL
	}
	job.Allowed = a.loop.Allowed
	if strings.HasPrefix(a.loop.Buildpacks, "https://") {
		job.Shelf = a.loop.Buildpacks
	}
	return job
}

// launch starts the sandbox.
func (a *attempt) launch(ctx context.Context) error {
	if a.container() {
		return a.launchContainer(ctx)
	}
	return a.launchProgram(ctx, "run")
}

func (a *attempt) launchProgram(ctx context.Context, what string) error {
	name := a.build.Stack
	if a.container() { // a look into the source: any root will do
		if a.loop.Images == nil {
			return errNoBuildah("this server builds no Dockerfiles")
		}
		name = a.loop.Images.About(a.app).DefaultStack
	}
	image, err := a.loop.Stack(name)
	if err != nil {
		return err
	}
	s := a.sandbox
	s.image = image
	l := a.loop.newLaunch(s.id, s.kigo)
	l.App, l.UIDBase, l.Stack = a.app.ID, a.app.UIDBase, image
	l.Memory, l.Scratch, l.Pids = a.loop.Memory, a.loop.Scratch, 4096
	err = a.loop.Store.View(ctx, func(tx *store.Tx) (err error) {
		l.Isolate, err = tx.Isolation(a.app.ID)
		return err
	})
	if err != nil {
		return err
	}
	l.Command = []string{buildpack.Program, what, buildpack.JobFile}
	l.Binds = append(l.Binds,
		kigo.Bind{Source: a.loop.path("toolchains"), Target: buildpack.Toolchains},
		kigo.Bind{Source: s.tree, Target: buildpack.BuildPrefix + s.hex, Writable: true},
		kigo.Bind{Source: s.codon, Target: buildpack.Work, Writable: true},
		kigo.Bind{Source: filepath.Join(s.dir, secrets, "job"), Target: filepath.Dir(buildpack.JobFile)},
		kigo.Bind{Source: filepath.Join(s.dir, secrets, "env"), Target: buildpack.Default(s.hex).Env, Writable: true},
		kigo.Bind{Source: s.cache.dir, Target: buildpack.CacheDir, Writable: true},
	)
	if filepath.IsAbs(a.loop.Buildpacks) {
		l.Binds = append(l.Binds, kigo.Bind{Source: a.loop.Buildpacks, Target: buildpack.Operators})
	}
	return a.loop.Engine.Start(ctx, l)
}

// newLaunch is what all launches of this package share.
func (l *Loop) newLaunch(id kigo.DynoID, home string) kigo.Launch {
	return kigo.Launch{
		ID: id, Name: "build", Grace: time.Second,
		CPU: kigo.CPU{Shares: 512},
		Env: append([]string{"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/app", "LANG=C.UTF-8"}, l.Host.With(buildpack.CAFile)...),
		Binds: []kigo.Bind{
			{Source: home, Target: buildpack.Home},
			{Source: l.Program, Target: filepath.Dir(buildpack.Program)},
		},
	}
}

// maxResult bounds the result file, which the app's own code could write.
const maxResult = 1 << 20

// readResult reads what the runner left. Nothing in it is trusted further than
// the app's own process types are.
func (a *attempt) readResult(ctx context.Context) error {
	status, err := a.exited(ctx)
	if err != nil {
		return err
	}
	if status.OOM {
		return &refusal{why: "out of memory", lines: []string{
			"", fmt.Sprintf(" !     Push rejected, the build used more than its %d MB of memory and was stopped.", a.loop.Memory>>20), ""}}
	}
	root, err := os.OpenRoot(a.sandbox.codon)
	if err != nil {
		return err
	}
	defer root.Close()
	f, err := root.OpenFile(filepath.Base(buildpack.ResultFile), os.O_RDONLY|unix.O_NONBLOCK, 0) // it may be a pipe, whose other end nobody has
	if err != nil {
		return fmt.Errorf("the build ended with status %d and no result: %s", status.ExitCode, status.Reason)
	}
	defer f.Close()
	if st, err := f.Stat(); err != nil || !st.Mode().IsRegular() {
		return errors.New("the build's result is not a file")
	}
	text, err := io.ReadAll(io.LimitReader(f, maxResult))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, &a.result); err != nil {
		return fmt.Errorf("read result: %w", err)
	}
	if a.result.Failure != "" {
		return &refusal{why: a.result.Failure, ours: a.result.Infrastructure}
	}
	if n := len(a.result.ProcessTypes); n > kigo.MaxProcessTypes {
		return &refusal{why: "too many process types", lines: []string{"", fmt.Sprintf(" !     There are %d process types in the Procfile and of buildpacks, the maximum is %d.", n, kigo.MaxProcessTypes), ""}}
	}
	for name := range a.result.ProcessTypes {
		if !kigo.ValidProcessType(name) {
			return &refusal{why: "bad process type", lines: []string{"", " !     A buildpack made a process type with a name that is none.", ""}}
		}
	}
	return nil
}
