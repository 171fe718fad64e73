package git

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/git/hook"
)

// converse answers the hook of one push: nothing when git never comes to run it.
func (s *Server) converse(ctx context.Context, p *push, conn net.Conn) {
	request, updates, err := hook.Receive(conn)
	if err != nil {
		if !errors.Is(err, io.EOF) && ctx.Err() == nil {
			s.Log.Warn("hook cannot be understood", "app", p.repo.app.Name, "err", err)
		}
		return
	}
	out := hook.Answer{Conn: conn}
	code := byte(0)
	if !s.decide(ctx, p, request, updates, out) {
		code = 1
	}
	_ = out.Exit(code) // the hook may be gone; then git has rejected the push
}

// decide is what happens on a push, line by line as the person who pushes sees it.
// It reports whether the push is accepted.
func (s *Server) decide(ctx context.Context, p *push, request hook.Request, updates []hook.Update, out io.Writer) bool {
	name := p.repo.app.Name
	if !s.only(p) {
		fmt.Fprintf(out, " !     Another push to %s is in progress. Wait for it to end, then push again.\n", name)
		return rejected(out, name)
	}
	deploy, others, deletions := classify(updates)
	if deletions > 0 {
		fmt.Fprintln(out, " !     Branches of an app cannot be deleted.") // receive.denyDeletes refuses each
	}
	if deploy == nil {
		if others > 0 {
			fmt.Fprintln(out, "Pushed to non-main branch, skipping build.")
		}
		return true
	}
	source, err := s.source(ctx, p, request.Quarantine, deploy.New, out)
	if err != nil {
		return s.fail(ctx, p, err, out)
	}
	return s.deploy(ctx, p, branch(*deploy), source, out)
}

// classify finds the one update that deploys: main, or master without it.
func classify(updates []hook.Update) (deploy *hook.Update, others, deletions int) {
	for i, u := range updates {
		switch b := branch(u); {
		case u.Deletes():
			deletions++
		case b == "":
			others++
		case deploy == nil || b == "main":
			deploy = &updates[i]
		}
	}
	return deploy, others, deletions
}

// deploy builds and follows the build to its end.
func (s *Server) deploy(ctx context.Context, p *push, branch string, source kigo.Source, out io.Writer) bool {
	if !p.commit() {
		return false // the client left before there was a build
	}
	build, err := s.Build(ctx, p.by, p.repo.app, source)
	if err != nil {
		return s.fail(ctx, p, err, out)
	}
	s.follow(ctx, build, out)
	if build, err = s.WaitBuild(ctx, build.ID); err != nil {
		return s.fail(ctx, p, err, out)
	}
	if build.Status != kigo.BuildSucceeded {
		fmt.Fprintln(out, "Verifying deploy...")
		return rejected(out, p.repo.app.Name)
	}
	fmt.Fprint(out, "\nVerifying deploy... done.\n")
	p.branch = branch
	s.releasePhase(ctx, build, out)
	return true
}

// follow copies a build's output as it comes.
func (s *Server) follow(ctx context.Context, build kigo.Build, out io.Writer) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan struct{})
	go func() { // a build that ends before it says anything has no stream
		defer close(ended)
		_, _ = s.WaitBuild(ctx, build.ID)
	}()
	if stream := s.stream(ctx, build.Output, ended); stream != nil {
		defer stream.Close()
		_, _ = io.Copy(flatWriter{out}, stream) // the hook may be gone: the build goes on
	}
}

// releasePhase shows the release command, if there is one. A command that fails
// does not reject the push: the code was built, and Heroku keeps it too.
func (s *Server) releasePhase(ctx context.Context, build kigo.Build, out io.Writer) {
	release, err := s.Release(ctx, build.Release)
	if err != nil || release.Output == "" {
		return
	}
	fmt.Fprint(out, "Running release command...\n\n")
	ended := make(chan struct{})
	waitCtx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		defer close(ended)
		_, _ = s.WaitRelease(waitCtx, release.ID)
	}()
	if stream := s.stream(ctx, release.Output, ended); stream != nil {
		_, _ = io.Copy(flatWriter{out}, stream)
		stream.Close()
	}
	release, err = s.WaitRelease(ctx, release.ID)
	if err != nil || release.Status != kigo.ReleaseSucceeded {
		fmt.Fprintln(out, "Waiting for release.... failed.")
		return
	}
	fmt.Fprintln(out, "Waiting for release.... done.")
}

// rejected prints the end of a push that deploys nothing.
func rejected(out io.Writer, app string) bool {
	fmt.Fprintf(out, "\n!\tPush rejected to %s.\n", app)
	return false
}

// fail prints why there was no build.
func (s *Server) fail(ctx context.Context, p *push, err error, out io.Writer) bool {
	name := p.repo.app.Name
	if why := p.ending(); why != "" {
		fmt.Fprintf(out, "\n !     %s\n\n !     Push failed\n", why)
		return rejected(out, name)
	}
	if known, ok := kigo.AsError(err); ok {
		fmt.Fprintf(out, "\n !     %s\n\n !     Push failed\n", known.Message)
		return rejected(out, name)
	}
	if ctx.Err() == nil {
		s.Log.Error("push cannot be built", "app", name, "err", err)
	}
	fmt.Fprint(out, "\n !     The platform could not take this push; your code is not at fault. Push again.\n\n !     Push failed\n")
	return rejected(out, name)
}
