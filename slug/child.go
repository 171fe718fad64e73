package slug

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/kigo-dev/kigo"
)

// Verb is the argument by which our own binary is started as the child; its main
// function then calls PackMain with what follows.
const Verb = "pack"

// What the child does with its descriptors 3 (in) and 4 (out), if it has one.
const (
	verbFolder  = "folder"  // in: a folder; out: the image
	verbArchive = "archive" // in: a tar archive; out: the image
	verbExport  = "export"  // in: an image; standard output: a tar archive
	verbLayers  = "layers"  // in: the image of /app to be written; out: the root's; then the layers
)

const oDirectory = unix.O_DIRECTORY | unix.O_NOFOLLOW | unix.O_CLOEXEC

// maxMessage bounds what is kept of the child's words.
const maxMessage = 64 << 10

// child is one run of our own binary with a tenant's rights.
type child struct {
	verb   string
	uid    uint32
	time   time.Time
	in     *os.File
	out    *os.File   // the image; nil for an export
	stream io.Writer  // of an export; nil otherwise
	more   []*os.File // the layers of an image
	user   string     // of an image
}

// request is the child's last argument, reply its standard output (on export:
// nothing but the archive).
type request struct {
	Time   int64
	Layers int    `json:",omitempty"`
	User   string `json:",omitempty"`
}

type reply struct {
	Size, RawSize int64
	Files         int
}

// runChild starts the child and waits for its reply. The child cannot gain
// rights by exec, sees no network and no other process, and ends with ctx.
func runChild(ctx context.Context, c child) (reply, error) {
	req := request{Layers: len(c.more), User: c.user}
	if !c.time.IsZero() {
		req.Time = c.time.Unix()
	}
	arg, err := json.Marshal(req)
	if err != nil {
		return reply{}, err
	}
	cmd := exec.CommandContext(ctx, "/proc/self/exe", Verb, c.verb, string(arg))
	cmd.Args[0] = "kigo"
	cmd.Env = []string{"PATH=/usr/bin:/bin", "LANG=C.UTF-8"}
	cmd.Dir = "/"
	cmd.WaitDelay = 5 * time.Second
	cmd.SysProcAttr = confinement(c.uid)
	cmd.ExtraFiles = []*os.File{c.in}
	var answer, words capped
	cmd.Stdout, cmd.Stderr = &answer, &words
	if c.out != nil {
		cmd.ExtraFiles = append(cmd.ExtraFiles, c.out)
	}
	cmd.ExtraFiles = append(cmd.ExtraFiles, c.more...)
	if c.stream != nil {
		cmd.Stdout = c.stream
	}
	if err := startWithoutNewPrivileges(cmd); err != nil {
		return reply{}, fmt.Errorf("start child: %w", err)
	}
	if err := cmd.Wait(); err != nil {
		return reply{}, childError(ctx, c.verb, err, words.String())
	}
	var r reply
	if c.stream != nil {
		return r, nil
	}
	if err := json.Unmarshal(answer.Bytes(), &r); err != nil {
		return r, fmt.Errorf("read child's reply: %w", err)
	}
	return r, nil
}

// outOfMemory is how Go ends a process that gets no more memory.
const outOfMemory = "fatal error: runtime: out of memory"

// exitRefused is the child's status when the tenant's bytes are at fault.
const exitRefused = 3

func childError(ctx context.Context, verb string, err error, words string) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if strings.HasPrefix(words, outOfMemory) || strings.Contains(words, "\n"+outOfMemory) {
		return kigo.Invalid("What is to be packed needs more than %d MB of memory: it has too many files, or names that are too long.", boundsOf(verb).memory>>20)
	}
	words = strings.TrimSpace(words)
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == exitRefused {
		return kigo.Invalid("%s", words)
	}
	return fmt.Errorf("child: %w: %s", err, words)
}

// confinement is what the kernel does to the child before it runs. Without root
// (tests of developers) there is nothing to give up.
func confinement(uid uint32) *syscall.SysProcAttr {
	if os.Geteuid() != 0 {
		return &syscall.SysProcAttr{}
	}
	return &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWNET |
			syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS,
		Credential: &syscall.Credential{Uid: uid, Gid: uid, Groups: []uint32{}},
	}
}

// startWithoutNewPrivileges starts cmd with no_new_privs, which Go cannot ask
// for: the bit is inherited from the thread that forks, so a thread takes it,
// forks and ends (its goroutine never unlocks it).
func startWithoutNewPrivileges(cmd *exec.Cmd) error {
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
			started <- err
			return
		}
		started <- cmd.Start()
	}()
	return <-started
}

// capped is a buffer that drops what is too much.
type capped struct{ bytes.Buffer }

func (c *capped) Write(p []byte) (int, error) {
	if keep := maxMessage - c.Len(); keep > 0 {
		c.Buffer.Write(p[:min(len(p), keep)])
	}
	return len(p), nil
}
