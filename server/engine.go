package server

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/build"
	"github.com/kigo-dev/kigo/config"
	"github.com/kigo-dev/kigo/oci"
	"github.com/kigo-dev/kigo/stack"
)

// images finds the file of a stack or a slug.
func (n *node) images(digest string) (string, error) {
	if path, err := n.stacks.Path(digest); err == nil {
		return path, nil
	}
	return n.slugs.Path(digest)
}

// runStack is the image of a release's base, or the newest of its stack: also when
// the base is gone, as a dyno on a newer one is better than none.
func (n *node) runStack(name, base string) (kigo.Image, error) {
	if base != "" {
		if _, err := n.stacks.Path(base); err == nil {
			return kigo.Image{Digest: base}, nil
		}
	}
	image, _, err := n.stacks.Image(name, stack.VariantRun)
	return image, err
}

// newestBase is the digest of the newest image of a stack.
func (n *node) newestBase(name string) string {
	image, _, err := n.stacks.Image(name, stack.VariantRun)
	if err != nil {
		return ""
	}
	return image.Digest
}

func (n *node) buildStack(name string) (kigo.Image, error) {
	image, _, err := n.stacks.Image(name, stack.VariantBuild)
	return image, err
}

// findRuntime is the runc of our own build beside the program, or the operator's.
func findRuntime(cfg config.Config) (string, error) {
	if cfg.Runtime != "" {
		return cfg.Runtime, nil
	}
	exe, err := os.Executable()
	if err == nil {
		beside := filepath.Join(filepath.Dir(exe), "runc")
		if _, err := os.Stat(beside); err == nil {
			return beside, nil
		}
	}
	path, err := exec.LookPath("runc")
	if err != nil {
		return "", errors.New("no runc beside the program or in PATH: run `make build`, or name one with --runtime")
	}
	return path, nil
}

func (n *node) makeEngine() error {
	runtime, err := findRuntime(n.cfg)
	if err != nil {
		return err
	}
	subnet, err := netip.ParsePrefix(n.cfg.Network)
	if err != nil {
		return fmt.Errorf("parse --network: %w", err)
	}
	id, err := instanceID(n.cfg)
	if err != nil {
		return err
	}
	n.engine, err = oci.New(context.Background(), oci.Config{
		Dir: n.cfg.Data, Instance: id, Runtime: runtime, Hardened: n.cfg.Runsc, Images: n.images, Subnet: subnet, Egress: n.egressRules, Log: n.log,
	})
	return err
}

// hostBinds are the machine's certificate authorities, so that dynos trust what
// their host trusts.
func hostBinds() []kigo.Bind {
	ca := build.HostEnvironment().CAFile
	if ca == "" {
		return nil
	}
	return []kigo.Bind{{Source: ca, Target: "/etc/ssl/certs/ca-certificates.crt"}}
}

// endDynos kills every dyno of this node, for a server that was interrupted at
// its terminal; the next start brings them back.
func (n *node) endDynos() {
	ctx, cancel := context.WithTimeout(context.Background(), 35*time.Second)
	defer cancel()
	runs, err := n.engine.List(ctx)
	if err != nil {
		n.log.Error("list dynos", "err", err)
		return
	}
	var wg sync.WaitGroup
	for _, r := range runs {
		wg.Go(func() {
			if err := n.engine.Kill(ctx, r.ID); err == nil {
				for ctx.Err() == nil {
					s, err := n.engine.Status(ctx, r.ID)
					if err != nil || s.Ended() {
						break
					}
					time.Sleep(10 * time.Millisecond)
				}
			}
			_ = n.engine.Remove(ctx, r.ID)
		})
	}
	wg.Wait()
	if err := n.engine.Uninstall(ctx); err != nil {
		n.log.Error("take down network and mounts", "err", err)
	}
}
