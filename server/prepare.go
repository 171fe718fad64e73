package server

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/pflag"

	"github.com/kigo-dev/kigo/cert"
	"github.com/kigo-dev/kigo/config"
	"github.com/kigo-dev/kigo/internal/atomicfile"
	"github.com/kigo-dev/kigo/stack"
)

// Prepare makes what a data folder needs before anything can serve: its short
// name, its certificates, its stack. What is there already costs nothing.
func Prepare(ctx context.Context, cfg config.Config, out io.Writer) error {
	if err := ensureInstance(cfg); err != nil {
		return err
	}
	if _, err := (&cert.Local{Dir: cfg.Path("ca")}).Load(cfg.Domain); err != nil {
		return err
	}
	return ensureStack(ctx, cfg, out)
}

func ensureInstance(cfg config.Config) error {
	if _, err := instanceID(cfg); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	var b [2]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return atomicfile.Write(cfg.Path("instance"), []byte(hex.EncodeToString(b[:])+"\n"), 0o644)
}

// ensureStack makes the default stack at the first start. One of another size that is
// there stays, and the operator is told how to change it.
func ensureStack(ctx context.Context, cfg config.Config, out io.Writer) error {
	store := &stack.Store{Dir: cfg.Path("stacks")}
	for _, variant := range []string{stack.VariantRun, stack.VariantBuild} {
		if _, _, err := store.Image(cfg.Stack, variant); err == nil {
			if size := store.Size(cfg.Stack, variant); size != "" && size != cfg.StackSize && variant == stack.VariantRun {
				fmt.Fprintf(out, "The stack %[1]s here is %[2]s, not %[3]s, and stays so until you run: kigo stack build --stack-size %[3]s --data %[4]s\n", cfg.Stack, size, cfg.StackSize, cfg.Data)
			}
			continue
		}
		if err := makeStack(ctx, cfg, variant, out); err != nil {
			return err
		}
	}
	return nil
}

func variantUse(variant string) string {
	if variant == stack.VariantBuild {
		return "builds"
	}
	return "dynos"
}

func makeStack(ctx context.Context, cfg config.Config, variant string, out io.Writer) error {
	progress := io.Discard
	if cfg.Verbose {
		progress = out
	}
	info, err := stack.Build(ctx, stack.Options{
		Name: cfg.Stack, Variant: variant, Size: cfg.StackSize, Dir: cfg.Path("stacks"), Cache: cfg.StackCache, Progress: progress,
		Making: func() {
			fmt.Fprintf(out, "Making the %s stack (%s, for %s). This is done once and takes a minute or more.\n", cfg.Stack, cfg.StackSize, variantUse(variant))
		},
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "  %s-%s: %d packages, %d MB, %s\n", info.Name, info.Variant, len(info.Packages), info.ImageSize>>20, info.Digest)
	return nil
}

// Stack is `kigo stack build`, which makes the images of a stack in a data folder,
// and `kigo stack install`, which takes one that was made elsewhere. A server that
// runs moves its apps to it.
func Stack(args []string, out io.Writer) error {
	if len(args) > 1 && args[0] == "install" {
		return installStack(args[1], args[2:], out)
	}
	if len(args) == 0 || args[0] != "build" {
		return errors.New("usage: kigo stack build [--data DIR] [--stack NAME] [--stack-size full|small] [--stack-cache DIR]\n       kigo stack install FILE [--data DIR] [--stack NAME]")
	}
	cfg, err := config.Load(args[1:], os.Getenv)
	if errors.Is(err, pflag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	if os.Geteuid() != 0 {
		return errors.New("kigo stack build needs root: it installs Debian packages into a folder")
	}
	for _, variant := range []string{stack.VariantRun, stack.VariantBuild} {
		if err := makeStack(context.Background(), cfg, variant, out); err != nil {
			return err
		}
	}
	return nil
}

func installStack(file string, args []string, out io.Writer) error {
	cfg, err := config.Load(args, os.Getenv)
	if errors.Is(err, pflag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	info, err := (&stack.Store{Dir: cfg.Path("stacks")}).Install(cfg.Stack, file)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s-%s is now %s, %d MB. A running server moves its apps to it within half a minute: kigo stacks:status\n", info.Name, info.Variant, info.Digest, info.ImageSize>>20)
	return nil
}
