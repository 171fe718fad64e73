package buildpack

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Command is a program that a buildpack runs in the app's folder.
type Command struct {
	Args []string
	Dir  string
	Env  []string  // complete
	Out  io.Writer // both streams; nil: discarded
	User bool      // Args come from the app (package.json): a failure is told in the app's terms
}

// Run runs it and waits, also for what it left in the background to let go of
// the output, but no more than a moment.
func (c Command) Run(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, c.Args[0], c.Args[1:]...)
	if !strings.Contains(c.Args[0], "/") {
		path, err := find(c.Args[0], c.Env)
		if err != nil {
			return err
		}
		cmd.Path, cmd.Err = path, nil
	}
	cmd.Dir, cmd.Env = c.Dir, c.Env
	cmd.Stdout, cmd.Stderr = c.Out, c.Out
	cmd.WaitDelay = 2 * time.Second
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("run %s: %w", c.Args[0], err)
	}
	return nil
}

// Output runs it and returns what it wrote to standard output.
func (c Command) Output(ctx context.Context) (string, error) {
	var b strings.Builder
	c.Out = &b
	err := c.Run(ctx)
	return strings.TrimSpace(b.String()), err
}

// find looks a program up in the PATH of env, not in our own.
func find(name string, env []string) (string, error) {
	for dir := range strings.SplitSeq(GetEnv(env, "PATH"), ":") {
		p := dir + "/" + name
		if st, err := os.Stat(p); err == nil && st.Mode().IsRegular() && st.Mode()&0o111 != 0 {
			return p, nil
		}
	}
	return "", fmt.Errorf("run %s: not found in PATH", name)
}

// GetEnv reads one variable of an environment.
func GetEnv(env []string, name string) string {
	for _, kv := range slices.Backward(env) {
		if v, ok := strings.CutPrefix(kv, name+"="); ok {
			return v
		}
	}
	return ""
}
