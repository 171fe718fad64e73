package server

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"sync"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/acme"
	"github.com/kigo-dev/kigo/alert"
	"github.com/kigo-dev/kigo/api"
	"github.com/kigo-dev/kigo/blob"
	"github.com/kigo-dev/kigo/build"
	"github.com/kigo-dev/kigo/config"
	"github.com/kigo-dev/kigo/control"
	"github.com/kigo-dev/kigo/dyno"
	"github.com/kigo-dev/kigo/formation"
	"github.com/kigo-dev/kigo/git"
	"github.com/kigo-dev/kigo/internal/lifecycle"
	"github.com/kigo-dev/kigo/logplex"
	"github.com/kigo-dev/kigo/logplex/drain"
	"github.com/kigo-dev/kigo/mail"
	"github.com/kigo-dev/kigo/metrics"
	"github.com/kigo-dev/kigo/oci"
	"github.com/kigo-dev/kigo/output"
	"github.com/kigo-dev/kigo/patch"
	"github.com/kigo-dev/kigo/registry"
	"github.com/kigo-dev/kigo/release"
	"github.com/kigo-dev/kigo/router"
	"github.com/kigo-dev/kigo/secret"
	"github.com/kigo-dev/kigo/setup"
	"github.com/kigo-dev/kigo/slug"
	"github.com/kigo-dev/kigo/sshd"
	"github.com/kigo-dev/kigo/stack"
	"github.com/kigo-dev/kigo/store"
)

// node is the control process: every part that it is made of.
type node struct {
	child   *child
	cfg     config.Config
	log     *slog.Logger
	box     *secret.Box
	store   *store.Store
	hub     *logplex.Hub
	blobs   *blob.Store
	outputs *output.Store
	slugs   *slug.Store
	stacks  *stack.Store
	control *control.Control
	engine  *oci.Engine
	feed    *router.Feed

	agent     *dyno.Agent
	formation *formation.Loop
	release   *release.Loop
	builds    *build.Loop
	setups    *setup.Loop
	patches   *patch.Loop
	retention *build.Retention
	routing   *routing
	acme      *acme.Loop
	drains    *drain.Loop
	history   *metrics.History
	samples   *metrics.Sampler
	alerts    *alert.Loop
	letters   *mail.Loop // nil: no e-mail is sent
	git       *git.Server
	registry  *registry.Registry
	basesMade sync.Mutex // one image of a stack goes into the registry at a time
	exec      *sshd.Server
	changes   bell
	platform  *api.Server
	phases    *phaseOutputs
}

// Control is the control process: API, git, rendezvous, loops and logs. Killing
// it stops no dyno and loses no request; what it left half done it finishes at
// its next start.
func Control() error {
	c, err := inherit()
	if err != nil {
		return err
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	ctx, why := lifetime()
	sizes, err := c.Config.OwnSizes()
	if err != nil {
		return err
	}
	kigo.DefineSizes(sizes)
	n := &node{child: c, cfg: c.Config, log: NewLogger(c.Config, "control")}
	defer n.close()
	if err := n.openState(ctx); err != nil {
		return err
	}
	if err := n.makeLoops(); err != nil {
		return err
	}
	group, err := n.stages(ctx)
	if err != nil {
		return err
	}
	c.announce()
	err = group.Run(ctx)
	if why().Interrupted {
		n.endDynos()
	}
	return err
}

// gcPercent lets log lines pass through with half the garbage collector's work, for
// some tens of megabytes.
const gcPercent = 300

// logRate is how many bytes a second an app may log: 100,000 lines of 100 bytes.
const logRate = 16 << 20

// makeLoops builds the engine and every loop.
func (n *node) makeLoops() error {
	if err := n.makeEngine(); err != nil {
		return err
	}
	shell, err := shellBinds(n.cfg.Path("run"))
	if err != nil {
		return err
	}
	n.samples = n.sampler()
	if err := n.makeAlerts(); err != nil {
		return err
	}
	n.feed = &router.Feed{Path: n.cfg.Path("run", "router.sock"), Log: n.log}
	n.routing = newRouting(n.store, n.cfg.Domain, n.feed, n.log)
	n.agent = &dyno.Agent{
		Engine: n.engine, Store: n.store, Logs: codesSeen{n.hub, n.samples.Failed}, Log: n.log, Stack: n.runStack,
		Binds: append(hostBinds(), shell...), Settle: n.left, Machine: machineWith(n.cfg.Data), IdleAfter: n.cfg.Idle(), Pool: n.cfg.EcoPool(),
		Output: func(d kigo.Dyno, l kigo.OutputLine) {
			if err := n.phases.add(d, l.Text); err != nil {
				n.log.Warn("write output of script", "dyno", d.Name(), "release", d.Release, "err", err)
			}
		},
	}
	n.routing.spent = n.agent.Spent
	n.makeExec()
	n.phases = &phaseOutputs{store: n.store, outputs: n.outputs}
	n.formation = &formation.Loop{Store: n.store, Log: n.log, Destroy: n.destroy, Reject: n.control.RejectRelease, Prove: n.control.ProveRelease, Probation: n.cfg.Trial()}
	if err := n.makeACME(); err != nil {
		return err
	}
	n.release = &release.Loop{Store: n.store, Control: n.control, Outputs: n.phases, Log: n.log}
	if err := n.makeBuilds(); err != nil {
		return err
	}
	n.setups = &setup.Loop{Store: n.store, Control: n.control, Outputs: n.phases, Read: n.builds.Manifest, Log: n.log}
	n.patches = &patch.Loop{Store: n.store, Control: n.control, Stacks: []string{n.cfg.Stack}, Newest: n.newestBase, Forget: n.stacks.Forget, Log: n.log}
	return nil
}

// left reports whether the router sends nothing more to a dyno that is told to stop, and
// waits for no answer of it.
func (n *node) left(ctx context.Context, id kigo.DynoID) bool {
	return n.settle(ctx) == nil && !n.feed.Leaving(id)
}

// settle waits up to a second until the router has the routes that are written down now.
func (n *node) settle(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	var revision int64
	err := n.store.View(ctx, func(tx *store.Tx) (err error) {
		revision, err = tx.Revision()
		return err
	})
	if err != nil {
		return err
	}
	n.routing.mark()
	return n.feed.Wait(ctx, revision)
}

// destroy removes what an app without dynos leaves behind, its rows last.
func (n *node) destroy(ctx context.Context, app kigo.App) error {
	if err := n.builds.Forget(app.ID); err != nil {
		return err
	}
	if err := n.git.Delete(app.ID); err != nil {
		return err
	}
	if err := n.hub.Drop(app.ID); err != nil {
		return err
	}
	if err := n.registry.Forget(repositoryKey(app.ID, "")); err != nil {
		return err
	}
	n.history.Forget(app.ID)
	return n.control.FinishDestroy(ctx, app.ID)
}

func (n *node) close() {
	if n.engine != nil {
		n.engine.Close()
	}
	if n.store != nil {
		if err := n.store.Close(); err != nil {
			n.log.Error("close store", "err", err)
		}
	}
}

// serve runs one HTTP server until ctx is done.
func serve(ctx context.Context, s *http.Server, l net.Listener) error {
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(l) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := s.Shutdown(grace); err != nil {
		_ = s.Close() // log tails and builds that are watched: their clients come back
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// service names a function for a stage.
func service(name string, run func(context.Context) error) lifecycle.Service {
	return lifecycle.Service{Name: name, Run: run}
}
