package toolchain

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
)

// MirrorVar names the operator's own mirror of toolchains for builds: an http or
// https folder that holds KIND-VERSION.tar.gz, such as ruby-3.3.6.tar.gz, and a
// file SHA256SUMS with a line "checksum  KIND-VERSION.tar.gz" for each of them.
const MirrorVar = "KIGO_TOOLCHAIN_MIRROR"

// errNotMirrored is a tool that the operator's mirror has not, or a machine without one.
var errNotMirrored = errors.New("the operator's mirror of toolchains has none")

var sumLine = regexp.MustCompile(`^([0-9a-f]{64})[ \t]+\*?(?:\./)?([^ /]+)\.tar\.gz$`)

// mirrored reads the mirror's list: checksums by tool.
func mirrored(ctx context.Context) (map[Tool]string, error) {
	base := strings.TrimSuffix(os.Getenv(MirrorVar), "/")
	if base == "" {
		return nil, nil
	}
	text, err := get(ctx, base+"/SHA256SUMS", "")
	if err != nil {
		return nil, err
	}
	sums := map[Tool]string{}
	for line := range bytes.Lines(text) {
		m := sumLine.FindSubmatch(bytes.TrimSpace(line))
		if m == nil {
			continue
		}
		if t, err := ParseName(string(m[2])); err == nil {
			sums[t] = string(m[1])
		}
	}
	return sums, nil
}

// fetchMirror unpacks a tool of the operator's mirror into dir.
func fetchMirror(ctx context.Context, t Tool, dir string) (string, error) {
	sums, err := mirrored(ctx)
	if err != nil {
		return "", err
	}
	want, ok := sums[t]
	if !ok {
		return "", errNotMirrored
	}
	file := dir + ".tgz"
	defer os.Remove(file)
	digest := sha256.New()
	if err := save(ctx, strings.TrimSuffix(os.Getenv(MirrorVar), "/")+"/"+t.Name()+".tar.gz", file, digest); err != nil {
		return "", err
	}
	if got := fmt.Sprintf("%x", digest.Sum(nil)); got != want {
		return "", fmt.Errorf("what the operator's mirror sent has the SHA-256 %s, its SHA256SUMS says %s", got, want)
	}
	return "sha256:" + want, untgz(file, dir)
}
