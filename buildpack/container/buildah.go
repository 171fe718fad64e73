package container

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Buildah builds Dockerfiles with the program of that name, inside a sandbox that is
// itself the isolation: RUN is run in a chroot.
type Buildah struct {
	Dir     string   // for its storage and settings; it is the app's own
	Env     []string // proxies, certificate authorities
	Mirrors []Mirror
}

// Mirror says where images of a registry, or a part of it, are asked for first, by plain HTTP.
type Mirror struct {
	Prefix   string // such as docker.io/heroku
	Location string // such as 127.0.0.1:5000/heroku
	Only     bool   // nowhere else
}

// Order is one image to build.
type Order struct {
	Source string // folder of the source
	Image  Image
	Args   map[string]string
	Out    io.Writer // what the steps say
}

// Prepare writes the settings. It comes before anything else.
func (b Buildah) Prepare() error {
	for _, dir := range []string{"", "run", "home", "tmp", "cache", "lib"} {
		if err := os.MkdirAll(filepath.Join(b.Dir, dir), 0o755); err != nil {
			return err
		}
	}
	for name, text := range map[string]string{
		"policy.json":     `{"default":[{"type":"insecureAcceptAnything"}]}`,
		"registries.conf": registries(b.Mirrors),
		"storage.conf":    fmt.Sprintf("[storage]\ndriver = \"overlay\"\ngraphroot = %q\nrunroot = %q\n", filepath.Join(b.Dir, "storage"), filepath.Join(b.Dir, "run")),
		"containers.conf": settings,
	} {
		if err := os.WriteFile(filepath.Join(b.Dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// settings give RUN no more than a sandbox for images has itself, and none of its mounts.
const settings = `[containers]
default_capabilities = ["CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "NET_BIND_SERVICE", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"]
`

func registries(mirrors []Mirror) string {
	var s strings.Builder
	s.WriteString("unqualified-search-registries = [\"docker.io\"]\nshort-name-mode = \"disabled\"\n")
	seen := map[string]bool{}
	for _, m := range mirrors {
		if seen[m.Prefix] {
			continue
		}
		seen[m.Prefix] = true
		if m.Only {
			fmt.Fprintf(&s, "[[registry]]\nprefix = %q\nlocation = %q\ninsecure = true\n", m.Prefix, m.Location)
			continue
		}
		fmt.Fprintf(&s, "[[registry]]\nprefix = %[1]q\nlocation = %[1]q\n", m.Prefix)
		for _, other := range mirrors {
			if other.Prefix == m.Prefix {
				fmt.Fprintf(&s, "[[registry.mirror]]\nlocation = %q\ninsecure = true\n", other.Location)
			}
		}
	}
	return s.String()
}

// ErrStep is the error of a Dockerfile that does not build; its output says why.
var ErrStep = errors.New("the Dockerfile does not build")

// Build builds an image and returns its id in the storage.
func (b Buildah) Build(ctx context.Context, o Order) (id string, err error) {
	file := filepath.Join(o.Source, o.Image.Dockerfile)
	ids := filepath.Join(b.Dir, "id")
	args := []string{"build", "--isolation", "chroot", "--network", "host", "--signature-policy", filepath.Join(b.Dir, "policy.json"),
		"--layers", "--iidfile", ids, "--file", file}
	if o.Image.Target != "" {
		args = append(args, "--target", o.Image.Target)
	}
	for _, name := range slices.Sorted(maps.Keys(o.Args)) {
		args = append(args, "--build-arg", name+"="+o.Args[name])
	}
	if err := b.run(ctx, o.Out, append(args, filepath.Dir(file))...); err != nil {
		return "", err
	}
	text, err := os.ReadFile(ids)
	return strings.TrimSpace(string(text)), err
}

// Export writes an image into an OCI layout, under a tag.
func (b Buildah) Export(ctx context.Context, id, layout, tag string) error {
	var said strings.Builder
	err := b.run(ctx, &said, "push", "--quiet", "--format", "oci", "--disable-compression", "--signature-policy", filepath.Join(b.Dir, "policy.json"), strings.TrimPrefix(id, "sha256:"), "oci:"+layout+":"+tag)
	if err != nil {
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(said.String()))
	}
	return nil
}

// run runs buildah to its end. Arguments that begin with a dash come from here alone.
func (b Buildah) run(ctx context.Context, out io.Writer, args ...string) error {
	program, err := exec.LookPath("buildah")
	if err != nil {
		return err
	}
	at := func(name string) string { return filepath.Join(b.Dir, name) }
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = b.Dir
	cmd.Env = append([]string{
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", "HOME=" + at("home"), "TMPDIR=" + at("tmp"), "XDG_RUNTIME_DIR=" + at("run"),
		"CONTAINERS_REGISTRIES_CONF=" + at("registries.conf"), "CONTAINERS_STORAGE_CONF=" + at("storage.conf"), "CONTAINERS_CONF=" + at("containers.conf"),
		"_CONTAINERS_USERNS_CONFIGURED=1", "BUILDAH_ISOLATION=chroot",
	}, b.Env...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.WaitDelay = 2 * time.Second
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	err = cmd.Run()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return fmt.Errorf("%w: buildah ended with status %d", ErrStep, exit.ExitCode())
	}
	return err
}
