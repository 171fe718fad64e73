package stack

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// The user that dynos and builds run as.
const (
	userLine  = "dyno:x:1000:1000::/app:/bin/bash\n"
	groupLine = "dyno:x:1000:\n"
	// no password, and none can be set
	shadowLine = "dyno:*:19000:0:99999:7:::\n"
)

// MemoryLimit is the file that language buildpacks' profile scripts read a dyno's
// memory limit from, also on machines with version 2 control groups.
const MemoryLimit = "/sys/fs/cgroup/memory/memory.limit_in_bytes"

// folders and files are what the engine and builds mount or bind over: they must
// exist, because the root is read-only.
var (
	folders = map[string]fs.FileMode{
		"app": 0o755, "tmp": 0o777 | fs.ModeSticky, "tmp/codon": 0o755, "opt/kigo": 0o755,
		"proc": 0o555, "dev": 0o755, "sys": 0o555, "sys/fs/cgroup/memory": 0o755, "run": 0o755,
		"var/tmp": 0o777 | fs.ModeSticky,
	}
	files = []string{strings.TrimPrefix(MemoryLimit, "/"), "etc/hosts", "etc/hostname", "etc/resolv.conf", aptSources}
)

// aptSources has to be there for buildpacks that read it, such as heroku/apt; the
// sources themselves are in sources.list.d beside it.
const aptSources = "etc/apt/sources.list"

// leftOvers is what installing leaves and a running system does not need, or
// should not share with others.
var leftOvers = []string{
	"var/lib/apt/lists/*", "var/cache/apt/*", "var/cache/debconf/*-old", "var/lib/dpkg/*-old", "var/log/*",
	"etc/machine-id", "var/lib/dbus/machine-id", "etc/ssh/ssh_host_*", "etc/*-", "etc/apt/apt.conf.d/99mmdebstrap",
	"dev/*", "run/*", "tmp/*", "var/tmp/*", "root/.*", "etc/.pwd.lock",
}

// layoutVersion names the above for Options.inputs; change it with them.
func layoutVersion() int { return 2 }

// furnish makes a fresh Debian root into a stack's.
func furnish(root string) error {
	if err := clean(root); err != nil {
		return err
	}
	for name, mode := range folders {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(path, 0o755); err != nil {
			return fmt.Errorf("make folder of stack: %w", err)
		}
		if err := os.Chmod(path, mode); err != nil {
			return fmt.Errorf("set mode in stack: %w", err)
		}
	}
	if err := os.Lchown(filepath.Join(root, "app"), 1000, 1000); err != nil {
		return fmt.Errorf("give /app to its user: %w", err)
	}
	for _, name := range files {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(root, name)), 0o755); err != nil {
			return fmt.Errorf("make folder of stack: %w", err)
		}
		if err := replace(filepath.Join(root, name), "", 0o644); err != nil {
			return err
		}
	}
	return addUser(root)
}

func clean(root string) error {
	for _, pattern := range leftOvers {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			return fmt.Errorf("clean stack: %w", err)
		}
		for _, path := range found {
			if err := os.RemoveAll(path); err != nil {
				return fmt.Errorf("clean stack: %w", err)
			}
		}
	}
	return nil
}

// addUser adds the dyno user unless a former run did.
func addUser(root string) error {
	for name, line := range map[string]string{"passwd": userLine, "group": groupLine, "shadow": shadowLine} {
		path := filepath.Join(root, "etc", name)
		old, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("add user to stack: %w", err)
		}
		if strings.Contains("\n"+string(old), "\ndyno:") {
			continue
		}
		info, err := os.Stat(path)
		if err != nil {
			return fmt.Errorf("add user to stack: %w", err)
		}
		if err := os.WriteFile(path, append(old, line...), info.Mode()); err != nil {
			return fmt.Errorf("add user to stack: %w", err)
		}
	}
	return nil
}

// replace puts a plain file where there may be a symbolic link to somewhere else.
func replace(path, content string, mode fs.FileMode) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("replace file of stack: %w", err)
	}
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		return fmt.Errorf("replace file of stack: %w", err)
	}
	return nil
}

// installed lists the packages of a root as "name version".
func installed(root string) ([]string, error) {
	status, err := os.ReadFile(filepath.Join(root, "var/lib/dpkg/status"))
	if err != nil {
		return nil, fmt.Errorf("list packages of stack: %w", err)
	}
	return parseStatus(string(status)), nil
}

// parseStatus reads dpkg's database: paragraphs of "Field: value".
func parseStatus(text string) []string {
	var all []string
	for paragraph := range strings.SplitSeq(text, "\n\n") {
		var name, version string
		for line := range strings.SplitSeq(paragraph, "\n") {
			if v, ok := strings.CutPrefix(line, "Package: "); ok {
				name = v
			}
			if v, ok := strings.CutPrefix(line, "Version: "); ok {
				version = v
			}
		}
		if name != "" && version != "" {
			all = append(all, name+" "+version)
		}
	}
	return all
}
