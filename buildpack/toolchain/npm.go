package toolchain

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// registry is the npm registry of this installation.
func registry() (string, error) {
	for _, name := range []string{"npm_config_registry", "NPM_CONFIG_REGISTRY"} {
		if v := os.Getenv(name); v != "" {
			return strings.TrimSuffix(v, "/"), nil
		}
	}
	return "", errors.New("no npm registry is known: set npm_config_registry for the server, or install npm on its machine")
}

// abbreviated is the registry's short form of a package's metadata.
const abbreviated = "application/vnd.npm.install-v1+json"

type npmMeta struct {
	Tags     map[string]string `json:"dist-tags"`
	Versions map[string]struct {
		Dist struct {
			Tarball   string `json:"tarball"`
			Integrity string `json:"integrity"`
		} `json:"dist"`
	} `json:"versions"`
}

func npmMetadata(ctx context.Context, kind string) (npmMeta, error) {
	var meta npmMeta
	base, err := registry()
	if err != nil {
		return meta, err
	}
	b, err := get(ctx, base+"/"+url.PathEscape(packages[kind]), abbreviated)
	if err != nil {
		return meta, err
	}
	if err := json.Unmarshal(b, &meta); err != nil {
		return meta, fmt.Errorf("read the registry's answer on %s: %w", packages[kind], err)
	}
	return meta, nil
}

// fetchNPM unpacks a package into dir after checking the registry's SHA-512.
func fetchNPM(ctx context.Context, t Tool, dir string) (string, error) {
	meta, err := npmMetadata(ctx, t.Kind)
	if err != nil {
		return "", err
	}
	v, ok := meta.Versions[t.Version]
	if !ok {
		return "", fmt.Errorf("the npm registry has no such version")
	}
	file := dir + ".tgz"
	defer os.Remove(file)
	sum := sha512.New()
	if err := save(ctx, v.Dist.Tarball, file, sum); err != nil {
		return "", err
	}
	got := "sha512-" + base64.StdEncoding.EncodeToString(sum.Sum(nil))
	if want := strings.Fields(v.Dist.Integrity); len(want) == 0 || want[0] != got {
		return "", fmt.Errorf("what the npm registry sent has the checksum %s, its metadata says %q", got, v.Dist.Integrity)
	}
	return got, untgz(file, dir)
}

// untgz unpacks a package without the folder that holds it all.
func untgz(file, dir string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	gz, err := gzip.NewReader(f)
	if err != nil {
		return fmt.Errorf("unpack: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	for tr := tar.NewReader(gz); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("unpack: %w", err)
		}
		_, name, _ := strings.Cut(path.Clean(h.Name), "/")
		if name == "" {
			continue
		}
		if h.Typeflag == tar.TypeSymlink {
			if err := unpackLink(root, name, h.Linkname); err != nil {
				return fmt.Errorf("unpack %s: %w", name, err)
			}
			continue
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		if err := unpackOne(root, name, h, tr); err != nil {
			return fmt.Errorf("unpack %s: %w", name, err)
		}
	}
}

// unpackLink makes a link that stays within the tool.
func unpackLink(root *os.Root, name, to string) error {
	if path.IsAbs(to) || !filepath.IsLocal(path.Join(path.Dir(name), to)) {
		return fmt.Errorf("a link leads out of it, to %s", to)
	}
	if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	return root.Symlink(to, name)
}

func unpackOne(root *os.Root, name string, h *tar.Header, body io.Reader) error {
	if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	mode := fs.FileMode(h.Mode)&0o111 | 0o644
	if strings.HasPrefix(name, "bin/") {
		mode = 0o755
	}
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
	if err != nil {
		return err
	}
	if _, err := io.Copy(f, body); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
