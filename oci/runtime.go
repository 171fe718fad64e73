package oci

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/kigo-dev/kigo"
)

// checkRuntime refuses a runtime that would silently confine less than we ask
// for: before 1.2.8 runc lacks fixes for known escapes, and Debian 12's ignores
// idmapped mounts.
func checkRuntime(ctx context.Context, path string) error {
	out, err := exec.CommandContext(ctx, path, "--version").Output()
	if err != nil {
		return fmt.Errorf("ask %s for its version: %w", path, err)
	}
	if !recentEnough(string(out)) {
		return fmt.Errorf("oci: %s is too old or not runc: need runc 1.2.8 or later, run `make build`", path)
	}
	out, err = exec.CommandContext(ctx, path, "features").Output()
	if err != nil {
		return fmt.Errorf("ask %s for its features: %w", path, err)
	}
	var f struct {
		Linux struct {
			Seccomp         struct{ Enabled bool }
			MountExtensions struct{ Idmap struct{ Enabled bool } }
		}
	}
	if err := json.Unmarshal(out, &f); err != nil {
		return fmt.Errorf("read features of %s: %w", path, err)
	}
	if !f.Linux.Seccomp.Enabled || !f.Linux.MountExtensions.Idmap.Enabled {
		return fmt.Errorf("oci: %s is built without seccomp or idmapped mounts: run `make build`", path)
	}
	return nil
}

// checkHardened refuses what is not gVisor's runsc.
func checkHardened(ctx context.Context, path string) error {
	if path == "" {
		return nil
	}
	if !filepath.IsAbs(path) {
		return fmt.Errorf("oci: the path of runsc must be absolute: %s", path)
	}
	out, err := exec.CommandContext(ctx, path, "--version").Output()
	if err != nil {
		return fmt.Errorf("ask %s for its version: %w", path, err)
	}
	if !strings.HasPrefix(string(out), "runsc version ") {
		return fmt.Errorf("oci: %s is not gVisor's runsc: it says %.60q", path, out)
	}
	return nil
}

// runtime is the program that runs a launch.
func (e *Engine) runtime(l kigo.Launch) (string, error) {
	switch {
	case l.Builder && l.Isolate == kigo.IsolationHardened:
		return "", errors.New("container images are not made with hardened isolation")
	case l.Isolate != kigo.IsolationHardened:
		return e.config.Runtime, nil
	case e.config.Hardened == "":
		return "", errors.New("this app wants hardened isolation, and this machine has no runtime for it: start the server with --runsc PATH")
	}
	return e.config.Hardened, nil
}

var runcVersion = regexp.MustCompile(`(?m)^runc version (\d+)\.(\d+)\.(\d+)`)

// recentEnough knows the first releases with the fixes of November 2025, by branch.
func recentEnough(text string) bool {
	m := runcVersion.FindStringSubmatch(text)
	if m == nil {
		return false
	}
	major, _ := strconv.Atoi(m[1])
	minor, _ := strconv.Atoi(m[2])
	patch, _ := strconv.Atoi(m[3])
	switch {
	case major != 1:
		return major > 1
	case minor == 2:
		return patch >= 8
	case minor == 3:
		return patch >= 3
	}
	return minor > 3
}
