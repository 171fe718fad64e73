package toolchain

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// debianTool is a tool whose source is Debian: what is installed for it, and the
// version that the stacks' Debian has. A tool's folder is a root of its own with
// usr, lib and etc in it.
type debianTool struct {
	version  string
	packages []string
	given    []string // packages that another tool has
}

// debianTools are the tools of Debian 12. The packages are those that their users
// expect of the language's own distribution.
var debianTools = map[string]debianTool{
	"ruby": {"3.1", []string{"ruby3.1", "ruby3.1-dev", "bundler"}, nil},
	"jdk":  {"17", []string{"openjdk-17-jdk-headless"}, nil},
	"maven": {"3.8", []string{
		"maven", "libmaven-clean-plugin-java", "libmaven-compiler-plugin-java", "libmaven-dependency-plugin-java", "libmaven-install-plugin-java",
		"libmaven-jar-plugin-java", "libmaven-resources-plugin-java", "libmaven-shade-plugin-java", "libmaven-war-plugin-java", "libsurefire-java",
	}, []string{"default-jre-headless"}},
	"php": {"8.2", []string{
		"php8.2-cli", "php8.2-fpm", "php8.2-bcmath", "php8.2-bz2", "php8.2-curl", "php8.2-gd", "php8.2-gmp", "php8.2-intl", "php8.2-ldap", "php8.2-mbstring",
		"php8.2-mysql", "php8.2-opcache", "php8.2-pgsql", "php8.2-readline", "php8.2-soap", "php8.2-sqlite3", "php8.2-xml", "php8.2-zip",
		"nginx-light", "apache2-bin",
	}, nil},
	"composer": {"2.5", []string{"composer"}, []string{"php-cli", "php8.2-cli", "php-common", "php8.2-common", "php-curl", "php-intl", "php-mbstring", "php-xml", "php-zip"}},
	"python":   {"3.11", []string{"python3.11", "python3.11-dev", "python3-pip-whl", "python3-setuptools-whl"}, nil},
}

// fetchDebian unpacks a tool's packages, and those that they need and a minimal
// Debian has not, into dir. apt checks their signatures and checksums.
func fetchDebian(ctx context.Context, t Tool, dir string) (string, error) {
	tool := debianTools[t.Kind]
	if tool.version != t.Version {
		return "", fmt.Errorf("there is %s %s alone in Debian", t.Kind, tool.version)
	}
	work, err := os.MkdirTemp("", "debian-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(work)
	debs, err := downloadDebs(ctx, work, tool)
	if err != nil {
		return "", err
	}
	all := sha256.New()
	var names bytes.Buffer
	for _, deb := range debs {
		sum, err := hashFile(deb)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(io.MultiWriter(all, &names), "%s  %s\n", sum, filepath.Base(deb))
		if out, err := exec.CommandContext(ctx, "dpkg-deb", "--extract", deb, dir).CombinedOutput(); err != nil {
			return "", fmt.Errorf("unpack %s: %w: %s", filepath.Base(deb), err, bytes.TrimSpace(out))
		}
	}
	for _, useless := range []string{"usr/share/man", "usr/share/locale", "usr/share/info", "usr/share/bash-completion", "usr/share/lintian", "etc/init.d", "etc/cron.d"} {
		if err := os.RemoveAll(filepath.Join(dir, useless)); err != nil {
			return "", err
		}
	}
	if err := errors.Join(relink(dir), aliases(dir)); err != nil {
		return "", err
	}
	return fmt.Sprintf("sha256:%x", all.Sum(nil)), os.WriteFile(filepath.Join(dir, ".packages"), names.Bytes(), 0o644)
}

// downloadDebs has apt fetch packages and what they need, as if only Debian's
// minimal set was installed: the tool must run on every variant of a stack.
func downloadDebs(ctx context.Context, work string, tool debianTool) ([]string, error) {
	for _, d := range []string{"state/lists/partial", "cache/archives/partial"} {
		if err := os.MkdirAll(filepath.Join(work, d), 0o755); err != nil {
			return nil, err
		}
	}
	status, err := os.ReadFile("/var/lib/dpkg/status")
	if err != nil {
		return nil, fmt.Errorf("this stack is not a Debian: %w", err)
	}
	minimal := filepath.Join(work, "status")
	if err := os.WriteFile(minimal, []byte(minimalStatus(string(status))+pretended(append(slices.Clone(unneeded), tool.given...))), 0o644); err != nil {
		return nil, err
	}
	options := []string{
		"-o", "Dir::State=" + work + "/state", "-o", "Dir::State::status=" + minimal, "-o", "Dir::Cache=" + work + "/cache", "-o", "Debug::NoLocking=true",
		"-o", "Acquire::Retries=1", "-o", "Acquire::http::Timeout=15", "-o", "Acquire::https::Timeout=15", "-o", "Acquire::Languages=none",
		"-o", "APT::Sandbox::User=", "-q", "-y",
	}
	if err := apt(ctx, append(slices.Clone(options), "update", "--error-on=any")); err != nil {
		return nil, fmt.Errorf("fetch the package lists of Debian: %w", err)
	}
	install := append(slices.Clone(options), "--download-only", "--no-install-recommends", "install", "--")
	if err := apt(ctx, append(install, tool.packages...)); err != nil {
		return nil, fmt.Errorf("fetch the packages of Debian: %w", err)
	}
	debs, err := filepath.Glob(filepath.Join(work, "cache/archives/*.deb"))
	if err == nil && len(debs) == 0 {
		err = errors.New("no packages of it in Debian")
	}
	slices.Sort(debs)
	return debs, err
}

// apt runs apt-get. Its error is the first line that apt marks as one.
func apt(ctx context.Context, args []string) error {
	cmd := exec.CommandContext(ctx, "apt-get", args...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C.UTF-8", "HOME=/tmp")
	out, err := cmd.CombinedOutput()
	if err == nil {
		return nil
	}
	for line := range strings.Lines(string(out)) {
		for _, mark := range []string{"Err:", "E: "} {
			if strings.HasPrefix(line, mark) {
				return errors.New(strings.TrimSpace(line))
			}
		}
	}
	return fmt.Errorf("apt-get: %w", err)
}

// unneeded are packages that others ask for and that nothing in a sandbox uses.
var unneeded = []string{"systemd", "procps", "psmisc", "iproute2", "ucf", "perl"}

// pretended has dpkg's database say that packages are installed.
func pretended(names []string) string {
	var b strings.Builder
	for _, name := range names {
		fmt.Fprintf(&b, "Package: %s\nStatus: install ok installed\nPriority: optional\nSection: misc\nMaintainer: nobody <nobody@localhost>\n"+
			"Architecture: "+arch()+"\nMulti-Arch: allowed\nVersion: 999:1\nDescription: not needed\n\n", name)
	}
	return b.String()
}

// paragraph is one package of dpkg's database.
type paragraph struct {
	text, name string
	kept       bool
	needs      []string // names, alternatives among them
}

// minimalStatus is dpkg's database of the packages that every Debian has, and of
// what those need.
func minimalStatus(status string) string {
	var all []*paragraph
	byName := map[string][]*paragraph{}
	var queue []*paragraph
	for text := range strings.SplitSeq(status, "\n\n") {
		p := &paragraph{text: text}
		essential := false
		for line := range strings.Lines(text) {
			field, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
			switch field {
			case "Package":
				p.name = value
				byName[value] = append(byName[value], p)
			case "Essential":
				essential = essential || value == "yes"
			case "Priority":
				essential = essential || value == "required"
			case "Depends", "Pre-Depends":
				p.needs = append(p.needs, packageNames(value)...)
			case "Provides":
				for _, name := range packageNames(value) {
					byName[name] = append(byName[name], p)
				}
			}
		}
		if p.name == "" {
			continue
		}
		all = append(all, p)
		if essential {
			queue = append(queue, p)
		}
	}
	for len(queue) > 0 {
		p := queue[0]
		queue = queue[1:]
		if p.kept {
			continue
		}
		p.kept = true
		for _, name := range p.needs {
			queue = append(queue, byName[name]...)
		}
	}
	var b strings.Builder
	for _, p := range all {
		if p.kept {
			b.WriteString(strings.TrimSpace(p.text) + "\n\n")
		}
	}
	return b.String()
}

// packageNames reads "a (>= 1), b:any | c" as a, b, c.
func packageNames(list string) (names []string) {
	for part := range strings.FieldsFuncSeq(list, func(r rune) bool { return r == ',' || r == '|' }) {
		name, _, _ := strings.Cut(strings.TrimSpace(part), " ")
		name, _, _ = strings.Cut(name, ":")
		names = append(names, name)
	}
	return names
}

// relink has links to absolute places that the tool's own root has lead there, and
// everything be readable for all builds.
func relink(root string) error {
	return filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.Type()&fs.ModeSymlink == 0 {
			return readable(name, d)
		}
		to, err := os.Readlink(name)
		if err != nil || !filepath.IsAbs(to) {
			return err
		}
		inside := filepath.Join(root, to)
		if _, err := os.Lstat(inside); err != nil {
			return nil //nolint:nilerr // it is the stack's
		}
		rel, err := filepath.Rel(filepath.Dir(name), inside)
		if err != nil {
			return err
		}
		if err := os.Remove(name); err != nil {
			return err
		}
		return os.Symlink(rel, name)
	})
}

// aliases has Debian's Maven repository answer for the one version that Maven asks
// for by itself, on behalf of plugins that name none.
func aliases(root string) error {
	const utils = "usr/share/maven-repo/org/codehaus/plexus/plexus-utils/"
	pom, err := os.ReadFile(filepath.Join(root, utils, "2.x/plexus-utils-2.x.pom"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	dir := filepath.Join(root, utils, "1.1")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	pom = bytes.ReplaceAll(pom, []byte("<version>2.x</version>"), []byte("<version>1.1</version>"))
	return errors.Join(os.WriteFile(filepath.Join(dir, "plexus-utils-1.1.pom"), pom, 0o644), os.Symlink("../2.x/plexus-utils-2.x.jar", filepath.Join(dir, "plexus-utils-1.1.jar")))
}

// readable also takes away what lets a program have another user's rights.
func readable(name string, d fs.DirEntry) error {
	info, err := d.Info()
	if err != nil {
		return err
	}
	mode := info.Mode().Perm() | 0o444
	if d.IsDir() || mode&0o111 != 0 {
		mode |= 0o111
	}
	if mode == info.Mode() {
		return nil
	}
	return os.Chmod(name, mode)
}

func hashFile(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return fmt.Sprintf("%x", h.Sum(nil)), nil
}

// arch is this machine's in Debian's words.
func arch() string { return runtime.GOARCH } // amd64 and arm64 are called the same
