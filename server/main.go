// Package server composes the platform: the supervisor that `kigo server` runs,
// and the two processes that it keeps alive, control (API, git, loops, logs) and
// router. Nothing of the platform's behaviour is here, only which parts there
// are, what each is given and in which order they start.
//
// Start reading at Supervise, then Control.
package server

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/spf13/pflag"

	"github.com/kigo-dev/kigo/config"
)

// Main is `kigo server`.
func Main(args []string, out io.Writer) error {
	cfg, err := config.Load(args, os.Getenv)
	if errors.Is(err, pflag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := hideDatabase(args); err != nil {
		return err
	}
	if os.Geteuid() != 0 {
		return errors.New("kigo server needs root: it gives each dyno its own users, network and limits (try: sudo kigo server)")
	}
	return Supervise(cfg, out)
}

// NewLogger writes the platform's own log to standard error.
func NewLogger(cfg config.Config, process string) *slog.Logger {
	level := slog.LevelInfo
	if cfg.Verbose {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level})).With("process", process)
}

// instanceID is the short name of this data folder in what all servers of a
// machine share: cgroups, network interfaces, nftables.
func instanceID(cfg config.Config) (string, error) {
	b, err := os.ReadFile(cfg.Path("instance"))
	if err == nil && len(b) >= 4 {
		return string(b[:4]), nil
	}
	return "", fmt.Errorf("read instance id: %w", err)
}
