package stack

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/kigo-dev/kigo"
)

// ErrNoBuildah is the error on a machine without the program that builds Dockerfiles.
var ErrNoBuildah = errors.New("buildah is not installed. Install it with: apt-get install buildah")

// toolsFormat changes when the same programs shall give another image.
const toolsFormat = "3"

// makingTools is held while the image is looked for and made: builds that begin at once
// make it once.
var makingTools sync.Mutex

// Tools gives the root in which Dockerfiles are built, as the build variant of the stack
// container: buildah, git for submodules, and the libraries of both, taken from this
// machine. It is made when one of them has changed, which takes a second.
func Tools(ctx context.Context, dir string) (kigo.Image, error) {
	makingTools.Lock()
	defer makingTools.Unlock()
	names, err := toolFiles(ctx)
	if err != nil {
		return kigo.Image{}, err
	}
	inputs, err := toolInputs(names)
	if err != nil {
		return kigo.Image{}, err
	}
	s := &Store{Dir: dir}
	if info, err := s.info(kigo.StackContainer, VariantBuild); err == nil && info.Inputs == inputs && s.whole(info) {
		return kigo.Image{Digest: info.Digest}, nil
	}
	info, err := s.makeTools(names, inputs)
	if err != nil {
		return kigo.Image{}, fmt.Errorf("make root for Dockerfiles: %w", err)
	}
	return kigo.Image{Digest: info.Digest}, nil
}

func (s *Store) makeTools(names []string, inputs string) (Info, error) {
	if err := os.MkdirAll(s.Dir, 0o755); err != nil {
		return Info{}, err
	}
	tmp, err := os.MkdirTemp(s.Dir, "tools-")
	if err != nil {
		return Info{}, err
	}
	defer os.RemoveAll(tmp)
	root := filepath.Join(tmp, "root")
	if err := os.Mkdir(root, 0o755); err != nil {
		return Info{}, err
	}
	if err := copyTools(root, names); err != nil {
		return Info{}, err
	}
	file := filepath.Join(tmp, "image")
	info, err := writeImage(Options{Size: SizeSmall}, root, file)
	if err != nil {
		return Info{}, err
	}
	info.Name, info.Variant, info.Inputs = kigo.StackContainer, VariantBuild, inputs
	info.Created = time.Now().UTC().Truncate(time.Second)
	return info, s.take(file, info)
}

// library is a line of ldd that names a file.
var library = regexp.MustCompile(`(?:=> |^\s*)(/\S+) \(0x`)

// toolFiles are the programs and their libraries, sorted.
func toolFiles(ctx context.Context) ([]string, error) {
	buildah, err := exec.LookPath("buildah")
	if err != nil {
		return nil, ErrNoBuildah
	}
	programs := []string{buildah}
	if git, err := exec.LookPath("git"); err == nil {
		programs = append(programs, git)
		if out, err := exec.CommandContext(ctx, git, "--exec-path").Output(); err == nil {
			for _, name := range []string{"git", "git-remote-https"} {
				if p := filepath.Join(strings.TrimSpace(string(out)), name); isFile(p) {
					programs = append(programs, p)
				}
			}
		}
	}
	all := slices.Clone(programs)
	for _, p := range programs {
		needs, err := libraries(ctx, p)
		if err != nil {
			return nil, fmt.Errorf("list the libraries of %s: %w", p, err)
		}
		all = append(all, needs...)
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

// libraries are the files that a program is linked with: none for a static one.
func libraries(ctx context.Context, program string) (files []string, err error) {
	cmd := exec.CommandContext(ctx, "ldd", program)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	out, err := cmd.CombinedOutput()
	if strings.Contains(string(out), "not a dynamic executable") {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %.300s", err, out)
	}
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, "not found") {
			return nil, errors.New(strings.TrimSpace(line))
		}
		if m := library.FindStringSubmatch(line); m != nil {
			files = append(files, m[1])
		}
	}
	return files, nil
}

func isFile(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.Mode().IsRegular()
}

// toolInputs names the files as they are now.
func toolInputs(names []string) (string, error) {
	sum := sha256.New()
	fmt.Fprintln(sum, toolsFormat, layoutVersion())
	for _, name := range names {
		st, err := os.Stat(name)
		if err != nil {
			return "", fmt.Errorf("look at tools: %w", err)
		}
		fmt.Fprintln(sum, name, st.Size(), st.ModTime().UnixNano())
	}
	return hex.EncodeToString(sum.Sum(nil)[:8]), nil
}

// toolUsers are what programs look users and hosts up in.
var toolUsers = map[string]string{
	"etc/passwd": "root:x:0:0:root:/tmp:/bin/sh\n" + userLine, "etc/group": "root:x:0:\n" + groupLine, "etc/shadow": "",
	"etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
}

// toolFolders are what buildah writes to whatever its settings say: the root is read-only.
var toolFolders = map[string]string{"var/cache": "/tmp/images/cache", "var/lib/containers": "/tmp/images/lib", "var/tmp": "/tmp/images/tmp"}

func copyTools(root string, names []string) error {
	for _, name := range names {
		if err := copyTool(name, filepath.Join(root, name)); err != nil {
			return err
		}
	}
	for name, text := range toolUsers {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return err
		}
	}
	for _, name := range []string{BundlePath, "/var/lib/dpkg/status"} { // the first is bound over, the second lists packages, of which there are none
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			return err
		}
	}
	if err := furnish(root); err != nil {
		return err
	}
	for name, target := range toolFolders {
		path := filepath.Join(root, name)
		if err := errors.Join(os.RemoveAll(path), os.MkdirAll(filepath.Dir(path), 0o755), os.Symlink(target, path)); err != nil {
			return err
		}
	}
	return nil
}

// copyTool copies what a path leads to: links of the machine's own layout become files.
func copyTool(from, to string) error {
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	dst, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(dst, src)
	return errors.Join(err, dst.Close())
}
