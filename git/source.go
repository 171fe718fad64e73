package git

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/kigo-dev/kigo"
)

// Limits of a source.
const (
	maxPaths   = 500_000
	maxPath    = 4095    // bytes, as on Linux
	maxLink    = 4 << 10 // bytes of a symbolic link's target
	maxCommit  = 1 << 20 // bytes of a commit that are read
	appUser    = 1000    // who owns the files in a build
	lfsPointer = "version https://git-lfs.github.com/spec/"

	// submoduleRecord names the commit of a submodule at its folder in the tar, for
	// the build.
	submoduleRecord = "KIGO.submodule"
)

var quarantineName = regexp.MustCompile(`^(tmp_objdir-)?incoming-[A-Za-z0-9]+$`)

// source reads a pushed commit out of the quarantine and stores its files as a tar
// blob. Nothing is checked out on the host: object ids go in, a tar comes out.
func (s *Server) source(ctx context.Context, p *push, quarantine, id string, out io.Writer) (kigo.Source, error) {
	ctx, cancel := context.WithTimeout(ctx, queryLimit)
	defer cancel()
	objects, err := s.objects(ctx, p.repo, quarantine)
	if err != nil {
		return kigo.Source{}, err
	}
	defer objects.close()
	commit, err := objects.commit(id)
	if err != nil {
		return kigo.Source{}, err
	}
	files, err := s.list(ctx, p.repo, quarantine, id)
	if err != nil {
		return kigo.Source{}, err
	}
	fmt.Fprintf(out, "Updated %d paths from %s\n", len(files), id[:7])
	fmt.Fprint(out, "Compressing source files...")
	r, w := io.Pipe()
	archive := &archive{objects: objects, tar: tar.NewWriter(w), time: commit.time}
	go func() { w.CloseWithError(archive.write(files)) }()
	key, _, err := s.Blobs.Put(ctx, r)
	r.CloseWithError(errors.Join(err, io.ErrClosedPipe))
	if err != nil {
		fmt.Fprintln(out)
		return kigo.Source{}, fmt.Errorf("store source: %w", err)
	}
	fmt.Fprint(out, " done.\n")
	for _, warning := range archive.warnings() {
		fmt.Fprintln(out, warning)
	}
	fmt.Fprint(out, "Building source:\n\n")
	return kigo.Source{Blob: key, Version: id, Description: commit.subject}, nil
}

// file is one path of a tree.
type file struct {
	mode string // "100644", "100755", "120000", "160000"
	id   string
	path string
}

// list reads all paths of a commit.
func (s *Server) list(ctx context.Context, r repo, quarantine, id string) ([]file, error) {
	cmd := s.command(ctx, r, "ls-tree", "-r", "-z", "--full-tree", "--end-of-options", id)
	if err := quarantined(cmd, r, quarantine); err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	errs := &tail{}
	cmd.Stderr = errs
	if err := s.start(cmd); err != nil {
		return nil, err
	}
	files, err := readTree(bufio.NewReaderSize(stdout, 256<<10))
	if err != nil {
		s.kill(cmd)
		return nil, err
	}
	if err := cmd.Wait(); err != nil {
		return nil, fmt.Errorf("list tree: %w: %s", err, errs)
	}
	return files, nil
}

// readTree reads `ls-tree -r -z`: "MODE TYPE ID\tPATH\0" each.
func readTree(in *bufio.Reader) (files []file, err error) {
	for {
		record, err := in.ReadString(0)
		if errors.Is(err, io.EOF) && record == "" {
			return files, nil
		}
		if err != nil {
			return nil, fmt.Errorf("list tree: %w", err)
		}
		head, path, ok := strings.Cut(record[:len(record)-1], "\t")
		fields := strings.Fields(head)
		if !ok || len(fields) != 3 {
			return nil, fmt.Errorf("list tree: unexpected record %q", record)
		}
		if err := checkPath(path); err != nil {
			return nil, err
		}
		if len(files) == maxPaths {
			return nil, kigo.Invalid("Push rejected, the source has more than %d files.", maxPaths)
		}
		files = append(files, file{mode: fields[0], id: fields[2], path: path})
	}
}

// checkPath refuses what no file system takes, and what receive.fsckObjects should
// have refused already.
func checkPath(path string) error {
	if len(path) > maxPath {
		return kigo.Invalid("Push rejected, the path %.60q… has %d bytes: at most %d are possible.", path, len(path), maxPath)
	}
	for part := range strings.SplitSeq(path, "/") {
		if part == "" || part == "." || part == ".." || strings.EqualFold(part, ".git") {
			return kigo.Invalid("Push rejected, the path %q is not allowed.", path)
		}
	}
	return nil
}

// archive writes files as a tar: owned by the app's user, with the commit's time,
// so that the same tree gives the same bytes.
type archive struct {
	objects  *objects
	tar      *tar.Writer
	time     time.Time
	pointers []string // paths of Git LFS pointers
}

func (a *archive) write(files []file) error {
	go a.objects.ask(files)
	for _, f := range files {
		if err := a.add(f); err != nil {
			return err
		}
	}
	return a.tar.Close()
}

func (a *archive) add(f file) error {
	h := &tar.Header{Name: f.path, ModTime: a.time, Uid: appUser, Gid: appUser, Format: tar.FormatPAX}
	if f.mode == "160000" { // the build fetches it, in its sandbox
		h.Typeflag, h.Name, h.Mode = tar.TypeDir, f.path+"/", 0o755
		h.PAXRecords = map[string]string{submoduleRecord: f.id}
		return a.tar.WriteHeader(h)
	}
	size, content, err := a.objects.next(f.id)
	if err != nil {
		return err
	}
	switch f.mode {
	case "120000":
		if size == 0 || size > maxLink {
			return kigo.Invalid("Push rejected, the symbolic link %q has a target of %d bytes.", f.path, size)
		}
		target, err := io.ReadAll(content)
		if err != nil {
			return fmt.Errorf("read object: %w", err)
		}
		if bytes.IndexByte(target, 0) >= 0 {
			return kigo.Invalid("Push rejected, the symbolic link %q has a NUL byte in its target.", f.path)
		}
		h.Typeflag, h.Linkname, h.Mode = tar.TypeSymlink, string(target), 0o777
		return a.tar.WriteHeader(h)
	case "100755":
		h.Mode = 0o755
	default:
		h.Mode = 0o644
	}
	h.Typeflag, h.Size = tar.TypeReg, size
	if err := a.tar.WriteHeader(h); err != nil {
		return err
	}
	if a.objects.startsWith(lfsPointer) && size < 1024 {
		a.pointers = append(a.pointers, f.path)
	}
	if _, err := io.Copy(a.tar, content); err != nil {
		return fmt.Errorf("read object: %w", err)
	}
	return nil
}

// warnings are lines for the person who pushes.
func (a *archive) warnings() (lines []string) {
	if n := len(a.pointers); n > 0 {
		what := fmt.Sprintf("%q is a Git LFS pointer; the file that it stands for is not fetched.", a.pointers[0])
		if n > 1 {
			what = fmt.Sprintf("%d files are Git LFS pointers, %q the first; the files that they stand for are not fetched.", n, a.pointers[0])
		}
		lines = append(lines, " !     Warning: "+what,
			" !     Have the build fetch them, or keep the files in git itself: git lfs migrate export --include='*'")
	}
	return lines
}

// commit is what a source needs to know of a commit.
type commit struct {
	subject string
	time    time.Time
}

// parseCommit reads a commit object.
func parseCommit(data []byte) commit {
	c := commit{time: time.Unix(0, 0).UTC()}
	head, message, _ := strings.Cut(string(data), "\n\n")
	for line := range strings.SplitSeq(head, "\n") {
		if rest, ok := strings.CutPrefix(line, "committer "); ok {
			fields := strings.Fields(rest)
			if len(fields) >= 2 {
				if seconds, err := strconv.ParseInt(fields[len(fields)-2], 10, 64); err == nil && seconds > 0 && seconds < 1<<33 {
					c.time = time.Unix(seconds, 0).UTC()
				}
			}
		}
	}
	c.subject, _, _ = strings.Cut(strings.TrimLeft(message, "\n"), "\n")
	c.subject = strings.ToValidUTF8(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, c.subject), "\uFFFD")
	if runes := []rune(c.subject); len(runes) > 200 {
		c.subject = string(runes[:200])
	}
	return c
}

// quarantinePath is the folder of a push's own objects.
func quarantinePath(r repo, quarantine string) (string, error) {
	name := filepath.Base(quarantine)
	if !quarantineName.MatchString(name) {
		return "", fmt.Errorf("unexpected quarantine %q", quarantine)
	}
	return filepath.Join(r.path, "objects", name), nil
}
