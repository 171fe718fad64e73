package oci

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"path/filepath"
	"runtime"

	"github.com/kigo-dev/kigo"
)

// Config is an engine's settings.
type Config struct {
	Dir       string                              // the data folder
	Instance  string                              // 4 hex digits that name this server's things on the machine
	Runtime   string                              // path of runc, 1.2.8 or later, with seccomp
	Hardened  string                              // path of runsc, for launches with hardened isolation; empty: they are refused
	Images    func(digest string) (string, error) // where an image's file is
	Subnet    netip.Prefix                        // the dyno network, IPv4
	Allow     []netip.Prefix                      // private networks that dynos may reach
	HostPorts []uint16                            // TCP ports of this machine that dynos may reach
	Resolvers []netip.Addr                        // name servers for dynos; nil: the machine's
	Parallel  int                                 // starts at the same time; 0: as the processors allow
	Egress    Egress                              // apps' rules; nil: none
	Free      func() int64                        // bytes free on the data folder's disk; nil: ask the kernel
	Log       *slog.Logger
}

// Egress reads the egress rules of all apps that have any.
type Egress func(context.Context) (map[kigo.AppID][]kigo.EgressRule, error)

// DefaultSubnet is what dynos get when the operator names no network.
var DefaultSubnet = netip.MustParsePrefix("10.213.0.0/16")

func (c *Config) validate() error {
	switch {
	case !filepath.IsAbs(c.Dir):
		return errors.New("oci: the data folder must be an absolute path")
	case c.Runtime == "":
		return errors.New("oci: no OCI runtime is set: run `make build`, which builds bin/runc")
	case c.Images == nil:
		return errors.New("oci: no image lookup is set")
	}
	if !c.Subnet.IsValid() {
		c.Subnet = DefaultSubnet
	}
	if c.Parallel <= 0 {
		c.Parallel = 2 * runtime.NumCPU()
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return nil
}
