package stack

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const listSample = `# Debian
deb http://mirror.example/debian bookworm main contrib # the main one
deb [arch=amd64 signed-by=/usr/share/keyrings/k.gpg] http://mirror.example/debian-security bookworm-security main
deb-src http://mirror.example/debian bookworm main
deb http://third.example/apt cloud-bookworm main
deb http://mirror.example/debian trixie main
deb http://third.example/apt bookworm other
`

const deb822Sample = `# comment
Types: deb deb-src
URIs: http://one.example/debian
 http://two.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: https://third.example/
Suites: nodistro
Components: main

Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: bookworm
Components: main

Types: deb
URIs: http://inline.example/debian
Suites: bookworm-security
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
`

func TestOnlySourcesOfTheStacksDebianAreTaken(t *testing.T) {
	want := []string{
		"deb http://mirror.example/debian bookworm main contrib",
		"deb [arch=amd64 signed-by=/usr/share/keyrings/k.gpg] http://mirror.example/debian-security bookworm-security main",
	}
	if diff := cmp.Diff(want, parseList(listSample)); diff != "" {
		t.Errorf("sources.list (-want +got):\n%s", diff)
	}
	key := "[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] "
	want = []string{
		"deb " + key + "http://one.example/debian bookworm main",
		"deb " + key + "http://one.example/debian bookworm-updates main",
		"deb " + key + "http://two.example/debian bookworm main",
		"deb " + key + "http://two.example/debian bookworm-updates main",
		"deb http://inline.example/debian bookworm-security main",
	}
	if diff := cmp.Diff(want, parseDeb822(deb822Sample)); diff != "" {
		t.Errorf(".sources (-want +got):\n%s", diff)
	}
}

func TestAMachineWithoutSourcesOfTheStacksDebianIsToldSo(t *testing.T) {
	dir := t.TempDir()
	if got, err := hostSources(dir); !errors.Is(err, errNoSources) {
		t.Errorf("without sources: %q, %v", got, err)
	}
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("sources.list", "deb http://m.example/debian trixie main\n")
	if got, err := hostSources(dir); !errors.Is(err, errNoSources) {
		t.Errorf("with trixie: %q, %v", got, err)
	}
	write("sources.list.d/debian.sources", deb822Sample)
	write("sources.list.d/off.sources.disabled", deb822Sample)
	if got, _ := hostSources(dir); strings.Count(got, "\n") != 5 || !strings.Contains(got, "two.example") {
		t.Errorf("with Debian 12's: %q", got)
	}
}

func TestOnlyHowToReachMirrorsIsTakenFromAptsSettings(t *testing.T) {
	dump := `APT "";
APT::Install-Recommends "0";
Acquire "";
Acquire::http "";
Acquire::http::Proxy "http://proxy.example:3128";
Acquire::https::CaInfo "/etc/ssl/own.pem";
Acquire::Retries "3";
Acquire::http::User-Agent:: "x";
Acquire::Languages "none";
DPkg::Post-Invoke:: "rm -rf /";
`
	want := []string{
		`Acquire::http::Proxy "http://proxy.example:3128";`,
		`Acquire::https::CaInfo "/etc/ssl/own.pem";`,
		`Acquire::Retries "3";`,
	}
	if diff := cmp.Diff(want, aptSettings(dump)); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
}

func TestInstalledPackagesAreReadFromDpkgsDatabase(t *testing.T) {
	got := parseStatus("Package: a\nStatus: install ok installed\nVersion: 1.2-3\nDescription: x\n Version: not this\n\nPackage: b\nVersion: 2\n\n\nPackage: c\n")
	if diff := cmp.Diff([]string{"a 1.2-3", "b 2"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func FuzzAptSourcesAreLinesOfOneSource(f *testing.F) {
	f.Add(listSample)
	f.Add(deb822Sample)
	f.Fuzz(func(t *testing.T, text string) {
		for _, line := range append(parseList(text), parseDeb822(text)...) {
			if strings.ContainsAny(line, "\n\r") || !strings.HasPrefix(line, "deb") || len(strings.Fields(line)) < 4 {
				t.Errorf("%q is no source", line)
			}
		}
	})
}
