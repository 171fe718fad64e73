package php

import (
	"archive/zip"
	"bytes"
	"crypto/sha1"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kigo-dev/kigo/buildpack"
	"github.com/kigo-dev/kigo/buildpack/toolchain/toolchaintest"
	"github.com/kigo-dev/kigo/internal/testenv"
)

func compileApp(t *testing.T, config, files map[string]string) (output, dir string, err error) {
	t.Helper()
	t.Setenv("KIGO_TOOLCHAINS", toolchaintest.Store(t, "php-8.2", "composer-2.5"))
	home := t.TempDir()
	b := &buildpack.Build{Dir: filepath.Join(home, "build"), Cache: filepath.Join(home, "cache"), Pack: filepath.Join(home, "pack"), EnvDir: filepath.Join(home, "env")}
	testenv.Files(t, b.Dir, files)
	testenv.Files(t, b.EnvDir, config)
	testenv.Files(t, b.Pack, nil)
	testenv.Files(t, b.Cache, nil)
	var out bytes.Buffer
	b.Config, b.Out = buildpack.EnvDir(b.EnvDir), buildpack.Output{W: &out}
	err = compile(t.Context(), b)
	return out.String(), b.Dir, err
}

// packagist is a registry on loopback with one package.
func packagist(t *testing.T) (url, lock string) {
	t.Helper()
	var archive bytes.Buffer
	z := zip.NewWriter(&archive)
	for name, text := range map[string]string{"composer.json": `{"name": "kigo/greeting", "autoload": {"files": ["greet.php"]}}`, "greet.php": "<?php function greet() { return 'hello from a package'; }\n"} {
		f, err := z.Create(name)
		if err == nil {
			_, err = io.WriteString(f, text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/packages.json":
			fmt.Fprint(w, `{"packages": {}}`)
		case "/greeting.zip":
			w.Write(archive.Bytes())
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL, fmt.Sprintf(`{"content-hash": "x", "packages": [{"name": "kigo/greeting", "version": "1.0.0",
		"dist": {"type": "zip", "url": "%s/greeting.zip", "shasum": "%x"}, "type": "library", "autoload": {"files": ["greet.php"]}}],
		"packages-dev": [], "aliases": [], "minimum-stability": "stable", "stability-flags": [], "prefer-stable": false, "prefer-lowest": false, "platform": [], "platform-dev": []}`,
		server.URL, sha1.Sum(archive.Bytes()))
}

const page = "<?php if (file_exists('vendor/autoload.php')) { require 'vendor/autoload.php'; echo greet(), ' '; } echo $_SERVER['SERVER_SOFTWARE'], ' ', extension_loaded('pdo_pgsql') ? 'pgsql' : '', \"\\n\";"

func TestAPHPAppInstallsItsPackagesAndBothServersAnswer(t *testing.T) {
	url, lock := packagist(t)
	out, dir, err := compileApp(t, map[string]string{"COMPOSER_MIRROR_URL": url}, map[string]string{
		"composer.json": `{"require": {"php": "^7.4|^8.1", "kigo/greeting": "1.0.0"}, "scripts": {"compile": ["echo compiled"]}}`, "composer.lock": lock, "index.php": page, "secret/.htaccess": "Require all denied\n", "secret/x.txt": "no",
	})
	if err != nil || !strings.Contains(out, "-----> Using PHP 8.2\n") || !strings.Contains(out, "Installing kigo/greeting (1.0.0)") || !strings.Contains(out, "-----> Running 'composer compile'...\n") {
		t.Fatalf("%v\n%s", err, out)
	}
	moved := filepath.Join(filepath.Dir(dir), "app")
	if err := os.Rename(dir, moved); err != nil {
		t.Fatal(err)
	}
	for server, want := range map[string]string{"vendor/bin/heroku-php-apache2": "hello from a package Apache pgsql\n", "heroku-php-nginx": "hello from a package nginx/"} {
		base := serve(t, moved, server)
		if body := fetch(t, base+"/"); !strings.HasPrefix(body, want) {
			t.Errorf("%s: %q, want %q", server, body, want)
		}
		if body := fetch(t, base+"/.profile.d/100-composer.sh"); strings.Contains(body, "export") && server == "heroku-php-nginx" {
			t.Errorf("%s gives away hidden files", server)
		}
	}
}

// serve runs a server of the app as a dyno does and returns its address.
func serve(t *testing.T, dir, command string) string {
	t.Helper()
	port := testenv.Port(t)
	out, err := os.Create(filepath.Join(t.TempDir(), "output"))
	if err == nil {
		err = out.Chmod(0o666) // the servers open it again
	}
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/bin/bash", "-c", `for f in .profile.d/*.sh; do . "$f"; done; exec `+command)
	cmd.Dir, cmd.Env = dir, []string{"HOME=" + dir, "PATH=/usr/bin:/bin", "PORT=" + port}
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if os.Geteuid() == 0 { // PHP-FPM does not run as root, as dynos do not
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: 65534, Gid: 65534}
		for _, from := range []string{dir, out.Name()} {
			for d := from; len(d) > len(os.TempDir()); d = filepath.Dir(d) {
				if err := os.Chmod(d, 0o777); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
		cmd.Wait()
		if t.Failed() {
			text, _ := os.ReadFile(out.Name())
			t.Logf("%s wrote:\n%s", command, text)
		}
	})
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline) && syscall.Kill(cmd.Process.Pid, 0) == nil; time.Sleep(20 * time.Millisecond) {
		if c, err := net.Dial("tcp", "127.0.0.1:"+port); err == nil {
			c.Close()
			break
		}
	}
	return "http://127.0.0.1:" + port
}

func fetch(t *testing.T, url string) string {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Error(err)
		return ""
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Error(err)
	}
	return string(body)
}

func TestAPHPAppThatCannotBeBuiltSaysWhyInOneLine(t *testing.T) {
	_, lock := packagist(t)
	needs := `{"require": {"kigo/greeting": "1.0.0"}}`
	for name, c := range map[string]struct {
		config, files map[string]string
		want          string
	}{
		"bad JSON":         {nil, map[string]string{"composer.json": "{,}"}, "Basic validation failed for composer.json: "},
		"no lock":          {nil, map[string]string{"composer.json": needs}, "No composer.lock found: "},
		"unknown PHP":      {nil, map[string]string{"composer.json": `{"require": {"php": "~5.6.0"}}`}, `No PHP for "php": "~5.6.0" of composer.json: php ~5.6.0: no such version; there is 8.2`},
		"registry is down": {map[string]string{"COMPOSER_MIRROR_URL": "http://127.0.0.1:1"}, map[string]string{"composer.json": needs, "composer.lock": lock}, "The registry of PHP packages cannot be reached at http://127.0.0.1:1/packages.json: dial tcp 127.0.0.1:1: connect: connection refused"},
		"script fails":     {nil, map[string]string{"composer.json": `{"scripts": {"compile": "exit 3"}}`}, "Failed to run 'compile' script of composer.json"},
	} {
		t.Run(name, func(t *testing.T) {
			out, _, err := compileApp(t, c.config, c.files)
			if err == nil || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("%v; want %q\n%s", err, c.want, out)
			}
		})
	}
}
