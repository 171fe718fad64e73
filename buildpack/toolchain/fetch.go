package toolchain

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// fetchLimit bounds one fetch: a registry that is slow, not one that is down.
const fetchLimit = 4 * time.Minute

// Fetch puts a tool into dir, which is empty and on the disk where it will stay,
// and returns the checksum that was checked. The checksum is also left in the
// file .checksum.
func Fetch(ctx context.Context, t Tool, dir string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchLimit)
	defer cancel()
	var sum string
	var err error
	switch t.Kind {
	case "go":
		sum, err = fetchGo(ctx, t.Version, dir)
	case "gostd":
		sum, err = compileGo(ctx, t.Version, dir)
	default:
		sum, err = fetchNPM(ctx, t, dir)
	}
	if err != nil {
		return "", fmt.Errorf("fetch %s %s: %w", t.Kind, t.Version, err)
	}
	return sum, os.WriteFile(filepath.Join(dir, ".checksum"), []byte(sum+"\n"), 0o644)
}
