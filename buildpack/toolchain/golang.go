package toolchain

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/mod/sumdb/dirhash"
)

const goModule = "golang.org/toolchain"

// goProxies are the module proxies of this installation, in order.
func goProxies() []string {
	var urls []string
	for _, u := range strings.FieldsFunc(os.Getenv("GOPROXY"), func(r rune) bool { return r == ',' || r == '|' }) {
		if u = strings.TrimSpace(u); strings.HasPrefix(u, "http://") || strings.HasPrefix(u, "https://") {
			urls = append(urls, strings.TrimSuffix(u, "/"))
		}
	}
	return urls
}

// fromProxy tries f with each proxy until one can.
func fromProxy(f func(proxy string) error) error {
	err := errors.New("GOPROXY names no module proxy: set it for the server, or install Go on its machine")
	for _, p := range goProxies() {
		if err = f(p); err == nil {
			return nil
		}
	}
	return err
}

// goVersions are all released toolchains for this machine, such as "1.26.8".
func goVersions(ctx context.Context) (versions []string, err error) {
	err = fromProxy(func(proxy string) error {
		b, err := get(ctx, proxy+"/"+goModule+"/@v/list", "")
		if err != nil {
			return err
		}
		for line := range strings.Lines(string(b)) {
			v, ok := strings.CutPrefix(strings.TrimSpace(line), "v0.0.1-go")
			if v, ours := strings.CutSuffix(v, "."+runtime.GOOS+"-"+runtime.GOARCH); ok && ours {
				versions = append(versions, v)
			}
		}
		return nil
	})
	return versions, err
}

// fetchGo puts a Go toolchain into dir and returns the checksum that was checked.
func fetchGo(ctx context.Context, version, dir string) (string, error) {
	v := "v0.0.1-go" + version + "." + runtime.GOOS + "-" + runtime.GOARCH
	file := dir + ".zip"
	defer os.Remove(file)
	digest := sha256.New()
	err := fromProxy(func(proxy string) error {
		digest.Reset()
		return save(ctx, proxy+"/"+goModule+"/@v/"+v+".zip", file, digest)
	})
	if err != nil {
		return "", err
	}
	sum := fmt.Sprintf("sha256:%x", digest.Sum(nil))
	want, known := goSum(ctx, v)
	if known {
		got, err := dirhash.HashZip(file, dirhash.Hash1)
		if err != nil {
			return "", fmt.Errorf("hash Go %s: %w", version, err)
		}
		if got != want {
			return "", fmt.Errorf("check Go %s: what the module proxy sent has the checksum %s, the checksum database says %s", version, got, want)
		}
		sum = got
	}
	return sum, unzip(file, goModule+"@"+v+"/", dir)
}

// unzip unpacks a module's archive on all cores; programs become executable.
func unzip(file, prefix, dir string) error {
	z, err := zip.OpenReader(file)
	if err != nil {
		return fmt.Errorf("open archive: %w", err)
	}
	defer z.Close() //nolint:errcheck // only read
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	made := map[string]bool{}
	files := slices.DeleteFunc(slices.Clone(z.File), func(f *zip.File) bool {
		name, ok := strings.CutPrefix(f.Name, prefix)
		return !ok || strings.HasSuffix(name, "/") || strings.HasPrefix(name, "test/") // the tests of Go itself are large
	})
	for _, f := range files {
		if d := filepath.Dir(strings.TrimPrefix(f.Name, prefix)); !made[d] {
			if err := root.MkdirAll(d, 0o755); err != nil {
				return err
			}
			made[d] = true
		}
	}
	var wg sync.WaitGroup
	errs := make([]error, runtime.NumCPU())
	for w := range errs {
		wg.Go(func() {
			for i := w; i < len(files) && errs[w] == nil; i += len(errs) {
				errs[w] = unzipFile(root, files[i], strings.TrimPrefix(files[i].Name, prefix))
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

func unzipFile(root *os.Root, f *zip.File, name string) error {
	in, err := f.Open()
	if err != nil {
		return err
	}
	defer in.Close()
	var b bytes.Buffer
	if _, err := io.Copy(&b, io.LimitReader(in, 1<<30)); err != nil {
		return fmt.Errorf("unpack %s: %w", name, err)
	}
	mode := os.FileMode(0o644)
	parts := strings.Split(name, "/")
	if slices.Contains([]string{"bin", "pkg"}, parts[0]) && (parts[0] == "bin" || len(parts) > 1 && parts[1] == "tool") {
		mode = 0o755
	}
	return root.WriteFile(name, b.Bytes(), mode)
}
