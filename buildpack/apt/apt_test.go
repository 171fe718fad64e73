package apt

import (
	"bytes"
	"crypto/sha256"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kigo-dev/kigo/buildpack"
	"github.com/kigo-dev/kigo/internal/testenv"
)

// repository is a folder of packages as apt-get reads one without a distribution.
// Each has a program of its name; what it depends on stands behind a colon.
func repository(t *testing.T, packages ...string) string {
	t.Helper()
	testenv.NeedsProgram(t, "dpkg-deb")
	dir := t.TempDir()
	var list bytes.Buffer
	for _, about := range packages {
		name, depends, _ := strings.Cut(about, ":")
		control := fmt.Sprintf("Package: %s\nVersion: 1.0\nArchitecture: all\nMaintainer: Nobody <nobody@example.com>\nDescription: for tests\n", name)
		if depends != "" {
			control += "Depends: " + depends + "\n"
		}
		root := t.TempDir()
		testenv.Files(t, root, map[string]string{"DEBIAN/control": control, "usr/bin/" + name: "#!/bin/sh\necho " + name + "\n", "usr/lib/git-core/" + name: "x",
			"DEBIAN/postinst": "#!/bin/sh\nset -e\nif [ \"$1\" = configure ]; then\n  update-alternatives --install /usr/bin/say-" + name + " say /usr/bin/" + name + " 10 \\\n    --slave /usr/share/x/y.1 y /usr/bin/" + name + "\n  update-alternatives --install /usr/bin/never never /usr/bin/$none 1\n  update-alternatives --install /../../../tmp/out out /usr/bin/" + name + " 1\nfi\n"})
		deb := filepath.Join(dir, name+".deb")
		if out, err := exec.Command("dpkg-deb", "--build", "--root-owner-group", root, deb).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		data, err := os.ReadFile(deb)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&list, "%sFilename: ./%s.deb\nSize: %d\nSHA256: %x\n\n", control, name, len(data), sha256.Sum256(data))
	}
	if err := os.WriteFile(filepath.Join(dir, "Packages"), list.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestPackagesRepositoriesAndArchivesAreInstalled(t *testing.T) {
	testenv.NeedsProgram(t, "apt-get")
	stacks := httptest.NewServer(http.FileServer(http.Dir(repository(t, "kigo-one:kigo-two", "kigo-two", "kigo-three"))))
	defer stacks.Close()
	custom := httptest.NewServer(http.FileServer(http.Dir(repository(t, "kigo-custom"))))
	defer custom.Close()
	archives := httptest.NewTLSServer(http.FileServer(http.Dir(repository(t, "kigo-archive"))))
	defer archives.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: archives.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CURL_CA_BUNDLE", ca)
	for _, name := range []string{"http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"} {
		t.Setenv(name, "")
	}
	settings = t.TempDir()
	defer func() { settings = "/etc/apt" }()
	if err := os.WriteFile(filepath.Join(settings, "sources.list"), []byte("deb [trusted=yes] "+stacks.URL+" ./\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	cache := t.TempDir()
	compile := func(aptfile string) (*buildpack.Build, string, error) {
		var out bytes.Buffer
		b := &buildpack.Build{Dir: t.TempDir(), Cache: cache, Pack: t.TempDir(), Out: buildpack.Output{W: &out}}
		if err := os.WriteFile(filepath.Join(b.Dir, "Aptfile"), []byte(aptfile), 0o644); err != nil {
			t.Fatal(err)
		}
		err := compile(t.Context(), b)
		return b, out.String(), err
	}
	b, out, err := compile("# what we need\nkigo-one # and what that needs\n:repo:deb [trusted=yes] " + custom.URL + " ./\nkigo-custom   kigo-none | kigo-three\n" + archives.URL + "/kigo-archive.deb\n")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	programs, _ := filepath.Glob(filepath.Join(b.Dir, ".apt/usr/bin/*"))
	for i := range programs {
		programs[i] = filepath.Base(programs[i])
	}
	programs = slices.DeleteFunc(programs, func(name string) bool { return strings.HasPrefix(name, "say-") })
	for _, link := range []string{"usr/bin/say-kigo-one", "usr/share/x/y.1"} {
		if said, err := exec.Command(filepath.Join(b.Dir, ".apt", link)).Output(); err != nil || !strings.HasPrefix(string(said), "kigo-") {
			t.Errorf("the alternative %s: %q, %v", link, said, err)
		}
	}
	if want := []string{"kigo-archive", "kigo-custom", "kigo-one", "kigo-three", "kigo-two"}; !slices.Equal(programs, want) {
		t.Errorf("programs %v, want %v\n%s", programs, want, out)
	}
	script, err := os.ReadFile(filepath.Join(b.Dir, ".profile.d/000_apt.sh"))
	if err != nil || !strings.Contains(string(script), `GIT_EXEC_PATH="$HOME/.apt/usr/lib/git-core"`) {
		t.Errorf("%v %s", err, script)
	}
	export, err := os.ReadFile(filepath.Join(b.Pack, "export"))
	if err != nil || !strings.Contains(string(export), b.Dir+"/.apt/usr") {
		t.Errorf("%v %s", err, export)
	}
	// The repository of another Aptfile is forgotten with it.
	if _, out, err := compile("kigo-custom\n"); err == nil || !strings.Contains(err.Error(), "A package of the Aptfile could not be fetched") || !strings.Contains(out, "kigo-custom") {
		t.Errorf("%v\n%s", err, out)
	}
	if b, out, err := compile("# nothing\n:repo:deb https://apt.example.com/ x main\n"); err != nil || !strings.Contains(out, "You have no packages listed in your Aptfile.") {
		t.Errorf("%v\n%s", err, out)
	} else if _, err := os.Stat(filepath.Join(b.Dir, ".profile.d")); err == nil {
		t.Error("an Aptfile of nothing made a profile script")
	}
}

func TestAnAptfileIsReadLineByLine(t *testing.T) {
	f, err := parse([]byte("\n# a\nlibA-dev=1.2~rc1 b:i386\nc/stable #d\ne* | f\n:repo: deb https://x y z\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(f); got != "{[deb https://x y z] [[libA-dev=1.2~rc1] [b:i386] [c/stable] [e* f]] []}" {
		t.Error(got)
	}
	for text, want := range map[string]string{
		"a\n-o=x":          `line 2: "-o=x" is neither the name of a package`,
		"a; b":             `"a;" is neither`,
		"a || b":           `"" is neither`,
		"http://x/y.deb":   `"http://x/y.deb" is neither`,
		"https://x/y.tgz":  `"https://x/y.tgz" is neither`,
		":repo:https://x/": `"https://x/" is not a repository: write it as in a sources.list`,
	} {
		if _, err := parse([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}
