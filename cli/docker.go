package cli

import (
	"cmp"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
	"golang.org/x/term"
)

// dockerCommands run docker, podman or buildah on this machine against the server's registry.
var dockerCommands = []command{
	{name: "container:login", short: "let docker push to the server's registry", login: true, stream: true, run: containerLogin, flags: verboseFlag},
	{name: "container:logout", short: "let docker forget the server's registry", stream: true, run: containerLogout, flags: verboseFlag},
	{name: "container:pull", args: "TYPE...", short: "get the images that were pushed for process types", app: oneApp, login: true, stream: true, run: containerPull, flags: verboseFlag},
	{name: "container:push", args: "[TYPE...]", short: "build images with docker and push them for process types", app: oneApp, login: true, stream: true, run: containerPush, flags: func(fs *pflag.FlagSet) {
		fs.BoolP("recursive", "R", false, "every Dockerfile.TYPE of this folder and those below")
		fs.String("arg", "", "variables of the build: KEY=VALUE, divided by commas")
		fs.String("context-path", "", "folder to build in; by default that of the Dockerfile")
		verboseFlag(fs)
		fs.Bool("no-cache", false, "use nothing of earlier builds")
	}},
	{name: "container:run", args: "TYPE [COMMAND...]", short: "run an image of a process type on this machine", app: oneApp, login: true, stream: true, run: containerRun, flags: func(fs *pflag.FlagSet) {
		fs.StringP("port", "p", "5000", "port that the app is told to listen at")
	}},
}

// docker runs docker with this terminal, or what there is in its place; input is given to
// it when it is not empty.
func (c *call) docker(input string, args ...string) error {
	verb := args[0]
	for _, program := range []string{"docker", "podman", "buildah"} {
		path, err := exec.LookPath(program)
		if err != nil || program == "buildah" && verb == "run" { // which runs no images
			continue
		}
		cmd := exec.CommandContext(c, path, args...)
		if program != "docker" && verb != "run" && verb != "logout" && c.plainRegistry() {
			cmd.Args = append([]string{path, verb, "--tls-verify=false"}, args[1:]...)
		}
		if program == "buildah" && os.Getenv("BUILDAH_ISOLATION") == "" {
			cmd.Env = append(os.Environ(), "BUILDAH_ISOLATION=chroot") // else it needs a runtime
		}
		cmd.Stdin, cmd.Stdout, cmd.Stderr = c.in, c.out, c.err
		if input != "" {
			cmd.Stdin = strings.NewReader(input)
		}
		if err := cmd.Run(); err != nil {
			return usage(1, "%s %s failed: %v", program, verb, err)
		}
		return nil
	}
	return usage(1, "Cannot find docker, please ensure docker is installed. Podman and buildah will do, too.")
}

// plainRegistry reports whether the registry is on this machine, where docker asks by plain
// HTTP without being told.
func (c *call) plainRegistry() bool {
	host, _, err := net.SplitHostPort(c.env.Git)
	if err != nil {
		host = c.env.Git
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// containerRun runs the image that was built or pulled last for a process type.
func containerRun(c *call) error {
	if len(c.args) == 0 {
		return usage(1, "Usage: kigo container:run web [command]\nMust specify one process type.")
	}
	tag := c.env.Git + "/" + c.app + "/" + c.args[0]
	number, err := c.number("port")
	if err != nil {
		return err
	}
	port := strconv.Itoa(number)
	args := []string{"run", "--rm", "-i", "--user", strconv.Itoa(os.Getuid()), "-e", "PORT=" + port, "-p", "127.0.0.1:" + port + ":" + port}
	if f, ok := c.in.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		args = append(args, "-t")
	}
	c.header("Running %s", tag)
	return c.docker("", append(append(args, tag), c.args[1:]...)...)
}

func containerLogin(c *call) error {
	return c.docker(c.env.token, "login", "--username=_", "--password-stdin", c.env.Git)
}

func containerLogout(c *call) error { return c.docker("", "logout", c.env.Git) }

func containerPull(c *call) error {
	if len(c.args) == 0 {
		return usage(1, "Usage: kigo container:pull web [worker ...]\nMust specify at least one process type.")
	}
	for _, typ := range c.args {
		tag := c.env.Git + "/" + c.app + "/" + typ
		c.header("Pulling %s as %s", typ, tag)
		if err := c.docker("", "pull", tag); err != nil {
			return err
		}
	}
	return nil
}

// image is one to build: of which file, for which process type.
type image struct{ file, typ string }

func containerPush(c *call) error {
	images, err := c.images()
	if err != nil {
		return err
	}
	for _, i := range images {
		c.header("Building %s (%s)", i.typ, i.file)
		args := []string{"build", "-f", i.file, "-t", c.tag(i)}
		if runtime.GOARCH != "amd64" {
			args = append(args, "--platform", "linux/amd64")
		}
		if c.is("no-cache") {
			args = append(args, "--no-cache")
		}
		for a := range strings.SplitSeq(c.str("arg"), ",") {
			if a != "" {
				args = append(args, "--build-arg", a)
			}
		}
		if err := c.docker("", append(args, cmp.Or(c.str("context-path"), filepath.Dir(i.file)))...); err != nil {
			return err
		}
	}
	for _, i := range images {
		c.header("Pushing %s (%s)", i.typ, i.file)
		if err := c.docker("", "push", c.tag(i)); err != nil {
			return err
		}
	}
	if len(images) == 1 {
		c.println("Your image has been successfully pushed. You can now release it with the 'container:release' command.")
	} else {
		c.println("Your images have been successfully pushed. You can now release them with the 'container:release' command.")
	}
	return nil
}

func (c *call) tag(i image) string { return c.env.Git + "/" + c.app + "/" + i.typ }

// images are those that the arguments mean: the Dockerfile here for one process type, or
// with --recursive each Dockerfile.TYPE.
func (c *call) images() ([]image, error) {
	if !c.is("recursive") {
		if len(c.args) != 1 {
			return nil, usage(1, "Requires exactly one target process type, or --recursive option")
		}
		file, err := filepath.Abs("Dockerfile")
		if err != nil {
			return nil, usage(1, "This folder cannot be found: %v", err)
		}
		if found, _ := filepath.Glob(file); len(found) == 0 {
			return nil, usage(1, "No images to push: there is no Dockerfile in this folder.")
		}
		return []image{{file, c.args[0]}}, nil
	}
	root, err := filepath.Abs(".")
	if err != nil {
		return nil, usage(1, "This folder cannot be found: %v", err)
	}
	var images []image
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		typ, ok := strings.CutPrefix(filepath.Base(path), "Dockerfile.")
		if err == nil && ok && typ != "" && !d.IsDir() && (len(c.args) == 0 || slices.Contains(c.args, typ)) {
			if i := slices.IndexFunc(images, func(i image) bool { return i.typ == typ }); i >= 0 {
				return usage(1, "There are two Dockerfiles for %s: %s and %s. Keep one of them.", typ, images[i].file, path)
			}
			images = append(images, image{path, typ})
		}
		return err
	})
	if err == nil && len(images) == 0 {
		err = usage(1, "No images to push: there is no Dockerfile.TYPE in this folder or below.")
	}
	return images, err
}
