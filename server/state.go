package server

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/blob"
	"github.com/kigo-dev/kigo/build"
	"github.com/kigo-dev/kigo/control"
	"github.com/kigo-dev/kigo/internal/atomicfile"
	"github.com/kigo-dev/kigo/logplex"
	"github.com/kigo-dev/kigo/logplex/drain"
	"github.com/kigo-dev/kigo/metrics"
	"github.com/kigo-dev/kigo/outbound"
	"github.com/kigo-dev/kigo/output"
	"github.com/kigo-dev/kigo/secret"
	"github.com/kigo-dev/kigo/slug"
	"github.com/kigo-dev/kigo/stack"
	"github.com/kigo-dev/kigo/store"
)

// openState opens everything that lies in the data folder.
func (n *node) openState(ctx context.Context) (err error) {
	if n.box, err = secret.OpenBox(n.cfg.Path("key")); err != nil {
		return err
	}
	if n.store, err = store.Open(ctx, n.cfg.DSN(), store.Options{Box: n.box, Log: n.log}); err != nil {
		return err
	}
	if err := checkSizes(ctx, n.store); err != nil {
		return err
	}
	n.hub = &logplex.Hub{Dir: n.cfg.Path("logs"), Log: n.log, Rate: logRate}
	if err := n.keepAllLogs(ctx); err != nil {
		return err
	}
	n.history = &metrics.History{Store: n.store, Log: n.log}
	n.blobs = &blob.Store{Dir: n.cfg.Path("blobs"), Room: room(machineWith(n.cfg.Data))}
	n.outputs = &output.Store{Dir: n.cfg.Path("output")}
	n.slugs = &slug.Store{Dir: n.cfg.Path("slugs")}
	n.registry = n.newRegistry()
	n.stacks = &stack.Store{Dir: n.cfg.Path("stacks")}
	n.retention = &build.Retention{Store: n.store, Slugs: n.slugs, Blobs: n.blobs, Log: n.log}
	if err := n.retention.Sweep(); err != nil {
		return err
	}
	private, err := n.cfg.Private()
	if err != nil {
		return err
	}
	policy := outbound.Policy{Allow: private}
	n.control = &control.Control{Store: n.store, Logs: n.hub, Domain: n.cfg.Domain, Stacks: []string{n.cfg.Stack, kigo.StackContainer},
		URL: "http://" + n.child.Addresses["api"], HasSlug: n.slugs.Has, Base: n.newestBase, Log: n.log, Outbound: policy, Mail: n.cfg.SMTP != "", Hardened: n.cfg.Runsc != "",
		Room: func() control.Room { return machineWith(n.cfg.Data)().Fits }}
	n.drains = &drain.Loop{Store: n.store, Hub: n.hub, Outbound: policy, Log: n.log, Spill: n.cfg.Spill()}
	if err := n.ensureOperator(ctx); err != nil {
		return err
	}
	return n.control.SyncDomains(ctx)
}

// ensureOperator makes the first account and its token, which `kigo env` reads.
func (n *node) ensureOperator(ctx context.Context) error {
	path := n.cfg.Path("token")
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		b = []byte(secret.NewToken())
		err = atomicfile.Write(path, b, 0o600)
	}
	if err != nil {
		return fmt.Errorf("keep operator's token: %w", err)
	}
	if _, err := n.control.EnsureOperator(ctx, n.cfg.Email, strings.TrimSpace(string(b))); err != nil {
		return fmt.Errorf("make operator's account: %w", err)
	}
	return nil
}
