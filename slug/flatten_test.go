package slug

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/erofs/go-erofs"
	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
)

// layerFile writes a layer: "path text", "path/" for a folder, "path -> target" for a
// symbolic link, "path = target" for a hard link.
func layerFile(t *testing.T, compress bool, lines ...string) *os.File {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, line := range lines {
		name, text, _ := strings.Cut(line, " ")
		h := &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o4755, Uid: 700, Gid: 700}
		switch {
		case strings.HasPrefix(text, "-> "):
			h.Typeflag, h.Linkname, text = tar.TypeSymlink, text[3:], ""
		case strings.HasPrefix(text, "= "):
			h.Typeflag, h.Linkname, text = tar.TypeLink, text[2:], ""
		case strings.HasSuffix(name, "/"):
			h.Typeflag = tar.TypeDir
		}
		h.Size = int64(len(text))
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	content := b.Bytes()
	if compress {
		z, err := zstd.NewWriter(nil)
		if err != nil {
			t.Fatal(err)
		}
		content = z.EncodeAll(content, nil)
	}
	return opened(t, content)
}

// layerOf writes a layer of entries without content.
func layerOf(t *testing.T, entries []*tar.Header) *os.File {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range entries {
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return opened(t, b.Bytes())
}

func opened(t *testing.T, content []byte) *os.File {
	t.Helper()
	path := filepath.Join(t.TempDir(), "layer")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// contents is what an image holds but folders, by "path mode text".
func contents(t *testing.T, s *Store, digest string) (all []string) {
	t.Helper()
	walkImage(t, s, digest, func(name string, info fs.FileInfo, text, _ string) {
		switch {
		case info.IsDir():
		case info.Mode().IsRegular():
			all = append(all, name+" "+info.Mode().String()+" "+text)
		default:
			all = append(all, name+" "+info.Mode().String())
		}
	})
	slices.Sort(all)
	return all
}

func TestLayersAreFlattenedAsTheyLieOverEachOther(t *testing.T) {
	s := &Store{Dir: t.TempDir()}
	layers := []*os.File{
		layerFile(t, false, "bin/a one", "bin/gone x", "opaque/x x", "opaque/y/z x", "etc/passwd u:x:700:700::/:/bin/sh", "lib -> usr/lib", "app/f mine", "both x"),
		layerFile(t, true, "bin/.wh.gone", "opaque/.wh..wh..opq", "opaque/new n", "bin/b = bin/a", "lib/inside l", "bin/a two", "both/ ", "both/now y", "./app/g = bin/b"),
	}
	res, err := s.PackLayers(t.Context(), layers, LayersOptions{UID: uint32(os.Getuid()), User: "u"})
	if err != nil {
		t.Fatal(err)
	}
	var own []string
	for _, line := range contents(t, s, res.Root.Digest) {
		if !strings.HasPrefix(line, "sys/") && !(strings.HasPrefix(line, "etc/") && !strings.HasPrefix(line, "etc/passwd")) {
			own = append(own, line)
		}
	}
	if diff := cmp.Diff([]string{
		"bin/a -rwxr-xr-x two", "bin/b -rwxr-xr-x one", "both/now -rwxr-xr-x y", "etc/passwd -rwxr-xr-x u:x:700:700::/:/bin/sh",
		"lib Lrwxr-xr-x", "opaque/new -rwxr-xr-x n", "usr/lib/inside -rwxr-xr-x l",
	}, own); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"f -rwxr-xr-x mine", "g -rwxr-xr-x one"}, contents(t, s, res.App.Digest)); diff != "" {
		t.Error(diff)
	}
	again, err := s.PackLayers(t.Context(), layers, LayersOptions{UID: uint32(os.Getuid()), User: "u"})
	if err != nil || again.Root.Digest != res.Root.Digest || again.App.Digest != res.App.Digest {
		t.Errorf("the same layers make another image: %+v %v", again, err)
	}
}

func TestFilesOfTheImagesUserBecomeTheDynos(t *testing.T) {
	layer := layerOf(t, []*tar.Header{
		{Typeflag: tar.TypeDir, Name: "etc/", Mode: 0o755},
		{Typeflag: tar.TypeReg, Name: "roots", Mode: 0o644},
		{Typeflag: tar.TypeReg, Name: "groups", Mode: 0o664, Uid: 700},
		{Typeflag: tar.TypeReg, Name: "theirs", Mode: 0o644, Uid: 700, Gid: 701},
		{Typeflag: tar.TypeReg, Name: "others", Mode: 0o644, Uid: 1000, Gid: 1000},
		{Typeflag: tar.TypeReg, Name: "app/roots", Mode: 0o644},
		{Typeflag: tar.TypeReg, Name: "app/theirs", Mode: 0o644, Uid: 700, Gid: 701},
	})
	for user, want := range map[string]string{
		"":        "roots 1000:1000|groups 700:1000|theirs 700:701|others 1000:1000|app/roots 1000:1000|app/theirs 700:701",
		"0:0":     "roots 1000:1000|groups 700:1000|theirs 700:701|others 1000:1000|app/roots 1000:1000|app/theirs 700:701",
		"700:701": "roots 0:0|groups 1000:0|theirs 1000:1000|others 700:701|app/roots 0:0|app/theirs 1000:1000",
		"700":     "roots 0:1000|groups 1000:1000|theirs 1000:701|others 700:1000|app/roots 0:1000|app/theirs 1000:701",
	} {
		s := &Store{Dir: t.TempDir()}
		res, err := s.PackLayers(t.Context(), []*os.File{layer}, LayersOptions{UID: uint32(os.Getuid()), User: user})
		if err != nil {
			t.Fatal(err)
		}
		owners := map[string]string{}
		note := func(prefix, digest string) {
			walkImage(t, s, digest, func(name string, info fs.FileInfo, _, _ string) {
				st := info.Sys().(*erofs.Stat)
				owners[prefix+name] = fmt.Sprintf("%s%s %d:%d", prefix, name, st.UID, st.GID)
			})
		}
		note("", res.Root.Digest)
		note("app/", res.App.Digest)
		var got []string
		for _, name := range []string{"roots", "groups", "theirs", "others", "app/roots", "app/theirs"} {
			got = append(got, owners[name])
		}
		if strings.Join(got, "|") != want {
			t.Errorf("USER %q: %q, want %q", user, got, want)
		}
	}
}

func TestHostileLayersAreRefused(t *testing.T) {
	bomb := []string{}
	for i := range 60 {
		bomb = append(bomb, string(rune('A'+i%26))+strings.Repeat("x", i/26)+" -> "+string(rune('A'+(i+1)%26))+strings.Repeat("x", (i+1)/26)+"/"+string(rune('A'+(i+1)%26))+strings.Repeat("x", (i+1)/26))
	}
	for name, c := range map[string]struct {
		lines []string
		says  string
	}{
		"a way out":               {[]string{"../x x"}, "leaves its folder"},
		"a way out by a link":     {[]string{"d -> ../../../..", "d/../x x"}, "leaves its folder"},
		"links that multiply":     {append(bomb, "A/x x"), "too many symbolic links"},
		"a link to itself":        {[]string{"a -> a", "a/x x"}, "too many symbolic links"},
		"a hard link to a folder": {[]string{"d/ ", "x = d"}, "which is no file in it"},
		"a file below a file":     {[]string{"a x", "a/b x"}, "which is no folder"},
		"a long name":             {[]string{strings.Repeat("x", 256) + " x"}, "more than 255 bytes"},
		"app is a link":           {[]string{"app -> etc"}, "/app is not a folder"},
		"proc is a file":          {[]string{"proc x", "sys x"}, ""},
		"etc is a file":           {[]string{"etc x"}, "is not a folder"},
	} {
		s := &Store{Dir: t.TempDir()}
		_, err := s.PackLayers(t.Context(), []*os.File{layerFile(t, false, c.lines...)}, LayersOptions{UID: uint32(os.Getuid())})
		if c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s: %v, not %q", name, err, c.says)
		}
		if left, _ := os.ReadDir(s.Dir); err != nil && len(left) > 0 {
			t.Errorf("%s: %d files stay", name, len(left))
		}
	}
	garbage := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(garbage, []byte(strings.Repeat("garbage ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(garbage)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := (&Store{Dir: t.TempDir()}).PackLayers(t.Context(), []*os.File{f}, LayersOptions{UID: uint32(os.Getuid())}); err == nil || !strings.Contains(err.Error(), "Layer 1 of the image is damaged") {
		t.Error(err)
	}
}
