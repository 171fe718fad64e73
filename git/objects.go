package git

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/kigo-dev/kigo"
)

// objects reads objects of a push through one `git cat-file --batch`.
type objects struct {
	cmd     *exec.Cmd
	kill    func()
	in      io.WriteCloser
	out     *bufio.Reader
	content *io.LimitedReader // what is left of the last object
	unread  bool              // the last object's line end is still to come
}

// quarantined lets a process see the objects of a push that is not yet accepted.
func quarantined(cmd *exec.Cmd, r repo, quarantine string) error {
	path, err := quarantinePath(r, quarantine)
	if err != nil {
		return err
	}
	cmd.Env = append(cmd.Env, "GIT_OBJECT_DIRECTORY="+path,
		"GIT_ALTERNATE_OBJECT_DIRECTORIES="+filepath.Join(r.path, "objects"), "GIT_QUARANTINE_PATH="+path)
	return nil
}

func (s *Server) objects(ctx context.Context, r repo, quarantine string) (*objects, error) {
	cmd := s.command(ctx, r, "cat-file", "--batch")
	if err := quarantined(cmd, r, quarantine); err != nil {
		return nil, err
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.start(cmd); err != nil {
		return nil, err
	}
	return &objects{cmd: cmd, kill: func() { s.kill(cmd) }, in: in, out: bufio.NewReaderSize(out, 256<<10)}, nil
}

// close ends git, whatever is still unread.
func (o *objects) close() {
	o.in.Close()
	o.kill()
}

// ask requests files in order; next reads the answers.
func (o *objects) ask(files []file) {
	w := bufio.NewWriterSize(o.in, 32<<10)
	for _, f := range files {
		if f.mode == "160000" {
			continue
		}
		if _, err := w.WriteString(f.id + "\n"); err != nil {
			return // git has ended: next says so
		}
	}
	_ = w.Flush()
	_ = o.in.Close()
}

// next returns the next answer: a blob with that id.
func (o *objects) next(id string) (size int64, content io.Reader, err error) {
	kind, size, err := o.head(id)
	if err != nil {
		return 0, nil, err
	}
	if kind != "blob" {
		return 0, nil, fmt.Errorf("object %s is a %s, not a blob", id, kind)
	}
	return size, o.content, nil
}

// head reads "ID TYPE SIZE\n" after skipping what is left of the last object.
func (o *objects) head(id string) (kind string, size int64, err error) {
	if o.unread {
		if _, err := io.CopyN(io.Discard, o.out, o.content.N+1); err != nil {
			return "", 0, fmt.Errorf("read object: %w", err)
		}
		o.unread = false
	}
	text, err := o.out.ReadString('\n')
	if err != nil {
		return "", 0, fmt.Errorf("read object %s: %w", id, err)
	}
	fields := strings.Fields(text)
	if len(fields) != 3 || fields[0] != id {
		return "", 0, fmt.Errorf("read object %s: git says %q", id, strings.TrimSpace(text))
	}
	if size, err = strconv.ParseInt(fields[2], 10, 64); err != nil || size < 0 {
		return "", 0, fmt.Errorf("read object %s: bad size %q", id, fields[2])
	}
	o.content = &io.LimitedReader{R: o.out, N: size}
	o.unread = true
	return fields[1], size, nil
}

// startsWith looks at the object that is about to be read.
func (o *objects) startsWith(prefix string) bool {
	if o.content.N < int64(len(prefix)) {
		return false
	}
	b, err := o.out.Peek(len(prefix))
	return err == nil && string(b) == prefix
}

// commit reads the commit that is deployed.
func (o *objects) commit(id string) (commit, error) {
	if _, err := io.WriteString(o.in, id+"\n"); err != nil {
		return commit{}, fmt.Errorf("read commit: %w", err)
	}
	kind, _, err := o.head(id)
	if err != nil {
		return commit{}, err
	}
	if kind != "commit" {
		return commit{}, kigo.Invalid("Push rejected, %s is a %s. Push a commit.", id[:7], kind)
	}
	data, err := io.ReadAll(io.LimitReader(o.content, maxCommit))
	if err != nil {
		return commit{}, errors.Join(errors.New("read commit"), err)
	}
	return parseCommit(data), nil
}
