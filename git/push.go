package git

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/kigo-dev/kigo/control"
	"github.com/kigo-dev/kigo/git/hook"
)

// push is one receive-pack.
type push struct {
	repo   repo
	by     control.Actor
	cancel func() // ends the push: what we do for it at once, git when it does not follow
	stop   func() // ends what we do for it, and leaves git the time to hear of it
	done   chan struct{}

	mu       sync.Mutex
	gone     bool   // the client has left
	building bool   // a build was asked for: git goes on without the client
	branch   string // what was deployed, once it was
	why      string // we end the push for this; "" otherwise
}

// lastWords is how long a push that we end has to say why.
const lastWords = 5 * time.Second

// end ends a push in good order: the person who pushes is told why.
func (p *push) end(why string) {
	p.mu.Lock()
	p.why = why
	p.mu.Unlock()
	p.stop()
	time.AfterFunc(lastWords, p.cancel)
}

// ending is why we end the push.
func (p *push) ending() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.why
}

// left notes that the client has gone. Before there is a build that ends the push;
// later git goes on, so that the branch is what was deployed.
func (p *push) left() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gone = true
	if !p.building {
		p.cancel()
	}
}

// commit reports whether the client still waits, and from then on lets the push
// outlive it.
func (p *push) commit() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.building = !p.gone
	return p.building
}

// receive serves a push.
func (s *Server) receive(w http.ResponseWriter, r *http.Request, repo repo, by control.Actor) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context()))
	defer cancel()
	gitCtx, kill := context.WithCancel(context.WithoutCancel(ctx))
	defer kill()
	conn, theirs, err := socketPair()
	if err != nil {
		s.refuse(w, repo.app.Name, err)
		return
	}
	defer conn.Close()
	p := &push{repo: repo, by: by, stop: cancel, done: make(chan struct{})}
	// A hook without its server rejects the push, and git then cleans up after
	// itself, as it does when its input ends. A signal would leave its files.
	p.cancel = func() {
		cancel()
		conn.Close()
		time.AfterFunc(killAfter, kill)
	}
	s.mu.Lock()
	s.live[p] = true
	s.mu.Unlock()
	defer s.ended(p)
	defer context.AfterFunc(r.Context(), p.left)()

	cmd := s.command(gitCtx, repo, "receive-pack", "--stateless-rpc", repo.path)
	repo.offline(cmd)
	protocol(cmd, r)
	cmd.ExtraFiles = []*os.File{theirs} // becomes hook.FD
	conversation := make(chan struct{})
	go func() {
		defer close(conversation)
		s.converse(ctx, p, conn)
	}()
	w.Header().Set("Content-Type", "application/x-git-receive-pack-result")
	// Our copy of the hook's end goes once git has its own, so that the end of git
	// is the end of the conversation.
	out := &packets{Writer: newOutput(w)}
	err = s.exchange(out, w, r, cmd, s.MaxPush+requestMax, func() { theirs.Close() })
	conn.Close() // whoever still holds the other end is of no interest
	<-conversation
	if err != nil {
		s.Log.Info("push was not completed", "app", repo.app.Name, "err", err)
		if r.Context().Err() == nil && errors.Is(err, errCut) {
			hangUp(out, ctx.Err() != nil)
		}
		return
	}
	s.after(context.WithoutCancel(ctx), p)
}

// hangUp ends the answer of a push that has no end, by git's side band for fatal errors, or
// by the end of the connection in the middle of a packet. Ours: we ended git.
func hangUp(out *packets, ours bool) {
	if !out.between() {
		panic(http.ErrAbortHandler)
	}
	text := "\x03The platform's git ended in the middle of this push. Push again.\n"
	if ours {
		text = "\x03The platform has ended this push. Run `kigo builds` to see whether a build goes on.\n"
	}
	fmt.Fprintf(out, "%04x%s0000", 4+len(text), text)
}

// ended forgets a push and lets the next one in.
func (s *Server) ended(p *push) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.live, p)
	if s.pushes[p.repo.app.ID] == p {
		delete(s.pushes, p.repo.app.ID)
	}
	close(p.done)
}

// only reports whether p is now the app's one push.
func (s *Server) only(p *push) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pushes[p.repo.app.ID] != nil {
		return false
	}
	s.pushes[p.repo.app.ID] = p
	return true
}

// Close ends all pushes; builds go on.
func (s *Server) Close() {
	s.mu.Lock()
	var live []*push
	for p := range s.live {
		p.cancel()
		live = append(live, p)
	}
	s.mu.Unlock()
	for _, p := range live {
		<-p.done
	}
}

// after keeps the repository's facts: which branch a clone checks out, how large
// it is.
func (s *Server) after(ctx context.Context, p *push) {
	if p.branch != "" {
		cmd := s.command(ctx, p.repo, "symbolic-ref", "HEAD", "refs/heads/"+p.branch)
		if err := s.start(cmd); err == nil {
			err = cmd.Wait()
			if err != nil {
				s.Log.Warn("default branch cannot be set", "app", p.repo.app.Name, "err", err)
			}
		}
	}
	if s.RepoSize != nil {
		s.RepoSize(ctx, p.repo.app.ID, p.repo.size())
	}
}

// socketPair is a connection with one end for a child process.
func socketPair() (ours net.Conn, theirs *os.File, err error) {
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("make socket pair: %w", err)
	}
	file := os.NewFile(uintptr(fds[0]), "hook")
	defer file.Close()
	theirs = os.NewFile(uintptr(fds[1]), "hook")
	if ours, err = net.FileConn(file); err != nil {
		theirs.Close()
		return nil, nil, fmt.Errorf("make socket pair: %w", err)
	}
	return ours, theirs, nil
}

// branch is the deploying branch that an update pushes; empty for all others.
func branch(u hook.Update) string {
	switch u.Ref {
	case "refs/heads/main":
		return "main"
	case "refs/heads/master":
		return "master"
	}
	return ""
}
