package nodejs

import (
	"context"
	_ "embed"
	"os"
	"path/filepath"
)

// What every dyno of the app sources at its start.
var (
	//go:embed profile/nodejs.sh
	profileNode []byte
	//go:embed profile/WEB_CONCURRENCY.sh
	profileConcurrency []byte
)

// profile makes Node.js known to dynos, and to later buildpacks.
func (a *app) profile(context.Context) error {
	dir := filepath.Join(a.Dir, ".profile.d")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "nodejs.sh"), profileNode, 0o644); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "WEB_CONCURRENCY.sh"), profileConcurrency, 0o644); err != nil {
		return err
	}
	export := "export NODE_HOME=" + a.home + "\nexport PATH=" + a.home + "/bin:$PATH:" + filepath.Join(a.Dir, "node_modules", ".bin") + "\n"
	return os.WriteFile(filepath.Join(a.Pack, "export"), []byte(export), 0o644)
}
