package build_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/internal/image"
	"github.com/kigo-dev/kigo/internal/testenv"
)

type stackImage struct {
	file  string
	image kigo.Image
}

// smallStack is a stack of busybox and bash: enough for Go and for buildpacks
// that are shell scripts.
func smallStack(t testing.TB) stackImage {
	t.Helper()
	root := t.TempDir()
	for _, d := range []string{"app", "bin", "dev", "etc", "lib", "lib64", "opt/kigo", "proc", "sys", "tmp", "usr/bin", "var"} {
		must(t, os.MkdirAll(filepath.Join(root, d), 0o755))
	}
	for _, name := range []string{"hosts", "hostname", "resolv.conf"} {
		must(t, os.WriteFile(filepath.Join(root, "etc", name), nil, 0o644))
	}
	must(t, os.WriteFile(filepath.Join(root, "etc/passwd"), []byte("root:x:0:0::/root:/bin/sh\ndyno:x:1000:1000::/app:/bin/bash\n"), 0o644))
	install(t, root, testenv.NeedsProgram(t, "busybox"), "bin/busybox")
	install(t, root, testenv.NeedsProgram(t, "/bin/bash", "bash"), "bin/bash")
	for _, name := range []string{"sh", "cat", "chmod", "cp", "dd", "echo", "env", "false", "grep", "head", "id", "ln", "ls", "mkdir", "pwd", "rm", "sed", "seq", "sleep", "sort", "touch", "tr", "true", "wc"} {
		must(t, os.Symlink("busybox", filepath.Join(root, "bin", name)))
	}
	must(t, os.Symlink("/bin/env", filepath.Join(root, "usr/bin/env")))
	out := filepath.Join(t.TempDir(), "stack.erofs")
	f, err := os.Create(out)
	must(t, err)
	dir, err := os.Open(root)
	must(t, err)
	_, err = image.Write(f, dir, image.Options{Owner: &image.Owner{}})
	must(t, err)
	must(t, f.Close())
	return stackImage{out, kigo.Image{Digest: "sha256:" + strings.Repeat("5", 64)}}
}

// install copies a program and the libraries that it is linked with.
func install(t testing.TB, root, program, as string) {
	t.Helper()
	copyTo(t, program, filepath.Join(root, as))
	libs, _ := exec.Command("ldd", program).Output() // fails for a static one
	for _, f := range strings.Fields(string(libs)) {
		if strings.HasPrefix(f, "/") {
			copyTo(t, f, filepath.Join(root, f))
		}
	}
}

func copyTo(t testing.TB, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	must(t, err)
	must(t, os.MkdirAll(filepath.Dir(to), 0o755))
	must(t, os.WriteFile(to, b, 0o755))
}
