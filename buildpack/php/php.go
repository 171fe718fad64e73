// Package php is the built-in buildpack for PHP apps, with PHP-FPM behind Apache or
// nginx. It follows heroku/php in what it reads, runs and prints and in its web
// servers' commands, heroku-php-apache2 and heroku-php-nginx, and differs in where
// PHP comes from: Debian's packages or the operator's mirror.
//
// Start reading at Buildpack and compile; install.go puts PHP into the app,
// server/ holds what dynos run.
package php

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"

	"github.com/kigo-dev/kigo/buildpack"
	"github.com/kigo-dev/kigo/buildpack/toolchain"
)

// Buildpack is heroku/php.
var Buildpack = buildpack.Builtin{Name: "php", Language: "PHP", Detect: detect, Compile: compile, Release: release}

func has(dir, name string) bool {
	st, err := os.Stat(filepath.Join(dir, name))
	return err == nil && st.Mode().IsRegular()
}

func detect(dir string) bool { return has(dir, "composer.json") || has(dir, "index.php") }

func release(string) buildpack.Release {
	return buildpack.Release{ProcessTypes: map[string]string{"web": "heroku-php-apache2"}}
}

// manifest is what matters of composer.json.
type manifest struct {
	Require map[string]string          `json:"require"`
	Scripts map[string]json.RawMessage `json:"scripts"`
}

// app is one compile.
type app struct {
	*buildpack.Build
	shelf    toolchain.Shelf
	manifest manifest
	home     string // BUILD_DIR/.heroku/php
	env      []string
}

func compile(ctx context.Context, b *buildpack.Build) error {
	a := &app{Build: b, shelf: toolchain.Platform(b.Cache), home: filepath.Join(b.Dir, ".heroku", "php")}
	for _, step := range []func(context.Context) error{a.read, a.installPHP, a.installServers, a.environment, a.composer, a.script, a.profile} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// read reads composer.json, which may be missing or empty.
func (a *app) read(context.Context) error {
	text, err := os.ReadFile(filepath.Join(a.Dir, "composer.json"))
	switch {
	case os.IsNotExist(err):
		a.Out.Warn("Your app has no composer.json: it gets the default PHP. Even an empty one tells others that this is a PHP app.")
		return nil
	case err != nil:
		return err
	case strings.TrimSpace(string(text)) == "":
		return nil
	}
	if err := json.Unmarshal(text, &a.manifest); err != nil {
		return buildpack.Failf("Basic validation failed for composer.json: %s", err)
	}
	if a.packages() > 0 && !has(a.Dir, "composer.lock") {
		return buildpack.Failf("No composer.lock found: your composer.json requires packages, but their versions are not locked.\nRun `composer update` and add composer.lock to git.")
	}
	return nil
}

// packages counts what Composer has to fetch: PHP and its extensions it has not.
func (a *app) packages() (n int) {
	for name := range a.manifest.Require {
		if name != "php" && !strings.HasPrefix(name, "ext-") && !strings.HasPrefix(name, "lib-") {
			n++
		}
	}
	return n
}

func (a *app) run(ctx context.Context, args ...string) error {
	out := a.Out.Indent()
	defer out.Close() //nolint:errcheck // nobody is left to tell
	return buildpack.Command{Args: args, Dir: a.Dir, Env: a.env, Out: out}.Run(ctx)
}

// environment is that of all programs which follow.
func (a *app) environment(context.Context) error {
	a.env = append(os.Environ(), buildpack.ConfigEnv(a.EnvDir)...)
	a.env = append(a.env, "PATH="+filepath.Join(a.home, "bin")+":"+buildpack.GetEnv(a.env, "PATH"), "COMPOSER_HOME="+filepath.Join(a.Pack, "composer"),
		"COMPOSER_CACHE_DIR="+filepath.Join(a.Cache, "composer"), "COMPOSER_NO_INTERACTION=1", "COMPOSER_ALLOW_SUPERUSER=1", "COMPOSER_MEMORY_LIMIT=-1", "COMPOSER_PROCESS_TIMEOUT=0")
	return nil
}

// script runs the event that heroku/php has for what an app does at the end.
func (a *app) script(ctx context.Context) error {
	if len(a.manifest.Scripts["compile"]) == 0 {
		return nil
	}
	a.Out.Title("Running 'composer compile'...")
	if err := a.run(ctx, "composer", "run-script", "compile"); err != nil {
		return buildpack.Failf("Failed to run 'compile' script of composer.json: the messages above say why.")
	}
	return nil
}
