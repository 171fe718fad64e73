package stack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/kigo-dev/kigo/internal/image"
)

// ErrMissing is the error on a machine without the program that makes Debian roots.
var ErrMissing = errors.New("mmdebstrap is not installed. Install it with: apt-get install mmdebstrap")

// dpkgOptions leave out what no program reads.
var dpkgOptions = []string{
	"path-exclude=/usr/share/man/*",
	"path-exclude=/usr/share/doc/*",
	"path-include=/usr/share/doc/*/copyright",
	"path-exclude=/usr/share/locale/*",
	"path-exclude=/usr/share/info/*",
}

// Build makes the image of o in o.Dir, unless an equal one is there or in the
// shared cache. Several callers, also of other processes, build it once.
func Build(ctx context.Context, o Options) (Info, error) {
	if err := o.validate(); err != nil {
		return Info{}, err
	}
	s := &Store{Dir: o.Dir}
	if info, err := s.info(o.Name, o.Variant); err == nil && info.Inputs == o.inputs() && s.whole(info) {
		return info, nil
	}
	shelf, err := openShelf(ctx, o)
	if err != nil {
		return Info{}, err
	}
	defer shelf.close()
	if info, from, ok := s.twin(o); ok {
		return info, s.take(from, info)
	}
	info, found := shelf.find(o)
	if !found {
		o.Making()
		if info, err = shelf.make(ctx, o); err != nil {
			return Info{}, fmt.Errorf("build stack %s-%s: %w", o.Name, o.Variant, err)
		}
	}
	if err := s.take(shelf.image(o), info); err != nil {
		return Info{}, err
	}
	return info, shelf.clear(o)
}

// makeImage builds a root in a temporary folder and writes it to file.
func makeImage(ctx context.Context, o Options, file string) (Info, error) {
	if os.Geteuid() != 0 {
		return Info{}, errors.New("a Debian root can be made by root only")
	}
	tmp, err := os.MkdirTemp("/var/tmp", "kigo-stack-")
	if err != nil {
		return Info{}, fmt.Errorf("make folder: %w", err)
	}
	defer removeTree(tmp)
	// apt drops its rights while it downloads and must reach the folder.
	if err := os.Chmod(tmp, 0o755); err != nil {
		return Info{}, fmt.Errorf("make folder: %w", err)
	}
	root := filepath.Join(tmp, "root")
	if err := debootstrap(ctx, o, root, filepath.Join(tmp, "sources.list")); err != nil {
		return Info{}, err
	}
	if err := furnish(root); err != nil {
		return Info{}, err
	}
	return writeImage(o, root, file)
}

func debootstrap(ctx context.Context, o Options, root, sources string) error {
	program, err := exec.LookPath("mmdebstrap")
	if err != nil {
		return ErrMissing
	}
	text, err := hostSources("/etc/apt")
	if err != nil {
		return err
	}
	if err := os.WriteFile(sources, []byte(text), 0o644); err != nil {
		return fmt.Errorf("write apt sources: %w", err)
	}
	args := []string{
		"--variant=minbase",
		`--aptopt=Acquire::Check-Valid-Until "false"; Acquire::Check-Date "false"`,
		// openjdk's and others' scripts fail without the folders excluded below
		`--setup-hook=mkdir -p "$1"/usr/share/man/man1 "$1"/usr/share/man/man7`,
		"--include=" + strings.Join(packages(o.Size, o.Variant), ","),
	}
	for _, setting := range hostAptSettings(ctx) {
		args = append(args, "--aptopt="+setting)
	}
	for _, option := range dpkgOptions {
		args = append(args, "--dpkgopt="+option)
	}
	cmd := exec.CommandContext(ctx, program, append(args, suite, root, sources)...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C.UTF-8")
	cmd.Stdout, cmd.Stderr = o.Progress, o.Progress
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 20 * time.Second
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return fmt.Errorf("mmdebstrap: %w (its words are above)", err)
	}
	return nil
}

func hostAptSettings(ctx context.Context) []string {
	dump, err := exec.CommandContext(ctx, "apt-config", "dump").Output()
	if err != nil {
		return nil // no apt, no settings of it
	}
	return aptSettings(string(dump))
}

func writeImage(o Options, root, file string) (Info, error) {
	names, err := installed(root)
	if err != nil {
		return Info{}, err
	}
	dir, err := os.Open(root)
	if err != nil {
		return Info{}, fmt.Errorf("open root: %w", err)
	}
	defer dir.Close()
	out, err := os.OpenFile(file, os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
	if err != nil {
		return Info{}, fmt.Errorf("write image: %w", err)
	}
	defer out.Close()
	// Python's compiled files name the times of their sources: keep them.
	stats, err := image.Write(out, dir, image.Options{KeepTimes: true})
	if err != nil {
		return Info{}, err
	}
	if err := out.Sync(); err != nil {
		return Info{}, fmt.Errorf("sync image: %w", err)
	}
	digest, size, err := digestOf(out)
	if err != nil {
		return Info{}, err
	}
	return Info{
		Size: o.Size, Inputs: o.inputs(), Digest: digest, ImageSize: size,
		Files: stats.Files, Packages: names, Created: time.Now().UTC().Truncate(time.Second),
	}, nil
}

// removeTree removes a root that was built, but never through something that is
// still mounted in it: that may be the machine's own /dev.
func removeTree(dir string) {
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil || strings.Contains(string(mounts), " "+dir+"/") {
		return
	}
	os.RemoveAll(dir)
}
