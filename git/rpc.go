package git

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"regexp"
	"time"
)

// Pace of a client.
const (
	stallAfter = 2 * time.Minute // a client that sends or takes nothing for so long is cut off
	requestMax = 64 << 20        // bytes of a request beside its pack
)

var safeProtocol = regexp.MustCompile(`^[a-z0-9=.:-]{1,100}$`)

// advertise answers info/refs: what the repository has.
func (s *Server) advertise(w http.ResponseWriter, r *http.Request, repo repo, rpc string) {
	cmd := s.command(r.Context(), repo, rpc[len("git-"):], "--stateless-rpc", "--advertise-refs", repo.path)
	repo.offline(cmd)
	v2 := protocol(cmd, r) == "version=2"
	w.Header().Set("Content-Type", "application/x-"+rpc+"-advertisement")
	out := newOutput(w)
	if !v2 {
		fmt.Fprintf(out, "%04x# service=%s\n0000", len("0000# service=\n")+len(rpc), rpc)
	}
	cmd.Stdout = out
	said := &tail{}
	cmd.Stderr = said
	if err := s.start(cmd); err != nil {
		s.Log.Error("refs cannot be listed", "app", repo.app.Name, "err", err)
		return
	}
	if err := cmd.Wait(); err != nil && r.Context().Err() == nil {
		s.Log.Error("refs cannot be listed", "app", repo.app.Name, "err", err, "stderr", said.String())
	}
}

// protocol hands the client's Git-Protocol header on.
func protocol(cmd *exec.Cmd, r *http.Request) string {
	v := r.Header.Get("Git-Protocol")
	if !safeProtocol.MatchString(v) {
		return ""
	}
	cmd.Env = append(cmd.Env, "GIT_PROTOCOL="+v)
	return v
}

// upload serves a clone or fetch.
func (s *Server) upload(w http.ResponseWriter, r *http.Request, repo repo) {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	cmd := s.command(ctx, repo, "upload-pack", "--stateless-rpc", repo.path)
	repo.offline(cmd)
	protocol(cmd, r)
	w.Header().Set("Content-Type", "application/x-git-upload-pack-result")
	err := s.exchange(&packets{Writer: newOutput(w)}, w, r, cmd, requestMax, nil)
	if err == nil || r.Context().Err() != nil {
		return
	}
	s.Log.Warn("fetch was not completed", "app", repo.app.Name, "err", err)
	if errors.Is(err, errCut) {
		panic(http.ErrAbortHandler) // an end that is no end must not look like one
	}
}

// exchange runs a git process with the request as its input and the response as
// its output, each piece flushed. Output waits until the request has been read: a
// client that is still sending does not listen. Started, if any, is called once git
// runs or could not be started. An error is errCut when git failed before its answer was whole.
func (s *Server) exchange(out *packets, w http.ResponseWriter, r *http.Request, cmd *exec.Cmd, limit int64, started func()) error {
	body, err := newBody(w, r, limit)
	if err != nil {
		http.Error(w, "The request's gzip encoding is damaged.", http.StatusBadRequest)
		return err
	}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	said := &tail{}
	cmd.Stderr = said
	err = s.start(cmd)
	if started != nil {
		started()
	}
	if err != nil {
		http.Error(w, "The platform could not start git. Try again.", http.StatusInternalServerError)
		return err
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		_, err := io.Copy(stdin, body)
		stdin.Close()
		if err != nil {
			// git has ended early: it has its answer, the client shall get to it.
			_, _ = io.Copy(io.Discard, body)
		}
		body.done()
	}()
	copyOut(out, stdout, read)
	<-read
	err = cmd.Wait()
	switch {
	case err == nil:
		return nil
	case !out.whole():
		return fmt.Errorf("%w: %w: %s", errCut, err, said)
	}
	return fmt.Errorf("%w: %s", err, said)
}

// copyOut copies git's output. When the client is gone it goes on reading, so that
// git can end what it has begun.
func copyOut(w io.Writer, stdout io.Reader, read <-chan struct{}) {
	buf := make([]byte, 64<<10)
	var failed error
	for {
		n, err := stdout.Read(buf)
		if n > 0 && failed == nil {
			<-read
			_, failed = w.Write(buf[:n])
		}
		if err != nil {
			return
		}
	}
}

// clientOutput flushes after each write and cuts off a client that takes nothing.
type clientOutput struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

func newOutput(w http.ResponseWriter) clientOutput {
	return clientOutput{w, http.NewResponseController(w)}
}

func (o clientOutput) Write(p []byte) (int, error) {
	_ = o.control.SetWriteDeadline(time.Now().Add(stallAfter)) // not all writers have deadlines
	n, err := o.w.Write(p)
	if err != nil {
		return n, err
	}
	return n, o.control.Flush()
}

// clientBody reads a request, unpacked, within its limit, and gives up on a client
// that sends nothing.
type clientBody struct {
	r       io.Reader
	control *http.ResponseController
}

func newBody(w http.ResponseWriter, r *http.Request, limit int64) (*clientBody, error) {
	b := &clientBody{control: http.NewResponseController(w)}
	_ = b.control.SetReadDeadline(time.Now().Add(stallAfter))
	b.r = r.Body
	if r.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(r.Body)
		if err != nil {
			return nil, err
		}
		b.r = z
	}
	b.r = io.LimitReader(b.r, limit)
	return b, nil
}

func (b *clientBody) Read(p []byte) (int, error) {
	_ = b.control.SetReadDeadline(time.Now().Add(stallAfter))
	return b.r.Read(p)
}

// done lets the connection be silent from now on.
func (b *clientBody) done() { _ = b.control.SetReadDeadline(time.Time{}) }

// tail keeps the last bytes of what a process says.
type tail struct{ b []byte }

func (t *tail) Write(p []byte) (int, error) {
	const keep = 2 << 10
	t.b = append(t.b, p...)
	if len(t.b) > keep {
		t.b = append(t.b[:0], t.b[len(t.b)-keep:]...)
	}
	return len(p), nil
}

func (t *tail) String() string { return string(t.b) }
