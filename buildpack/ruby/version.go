package ruby

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/kigo-dev/kigo/buildpack"
	"github.com/kigo-dev/kigo/buildpack/toolchain"
)

var (
	lockedRuby   = regexp.MustCompile(`(?m)^RUBY VERSION\n\s+ruby ([0-9.]+)`)
	declaredRuby = regexp.MustCompile(`(?m)^\s*ruby[\s(]+["']([^"']+)["']`)
	declaredFile = regexp.MustCompile(`(?m)^\s*ruby[\s(]+file:\s*["']([^"']+)["']`)
	libVersion   = regexp.MustCompile(`ruby lib version \(([0-9.]+)\)`)
)

// wanted is the Ruby that an app asks for, and where. What the Gemfile itself says
// is binding: Bundler refuses any other.
func wanted(dir string) (version, from string, binding bool) {
	gemfile, err := os.ReadFile(filepath.Join(dir, "Gemfile"))
	if err != nil {
		return "", "", false
	}
	if m := declaredRuby.FindSubmatch(gemfile); m != nil {
		return string(m[1]), "the Gemfile", true
	}
	if m := declaredFile.FindSubmatch(gemfile); m != nil && filepath.IsLocal(string(m[1])) {
		text, err := os.ReadFile(filepath.Join(dir, string(m[1])))
		if err == nil {
			return strings.TrimPrefix(strings.TrimSpace(string(text)), "ruby-"), string(m[1]), true
		}
	}
	lock, err := os.ReadFile(filepath.Join(dir, "Gemfile.lock"))
	if err != nil {
		return "", "", false
	}
	if m := lockedRuby.FindSubmatch(lock); m != nil {
		return string(m[1]), "Gemfile.lock", false
	}
	return "", "", false
}

// choose finds a Ruby for the app.
func (a *app) choose(ctx context.Context) (tool toolchain.Tool, err error) {
	want, from, binding := wanted(a.Dir)
	if strings.Contains(want, "jruby") || strings.Contains(want, "truffleruby") {
		return tool, buildpack.Failf("%s asks for %s: only the standard Ruby is at hand.", from, want)
	}
	tool, err = toolchain.Pick(ctx, "ruby", want)
	if err != nil && !binding && want != "" {
		a.Out.Warn("%s was made with Ruby %s, which is not at hand: another one is used.", from, want)
		tool, err = toolchain.Pick(ctx, "ruby", "")
	}
	if err != nil {
		return tool, buildpack.Failf("No Ruby for %s: %s\nAsk for one of those in the Gemfile, or have the operator add yours to the mirror of toolchains.", from, err)
	}
	return tool, nil
}

// verify compares the Ruby that was got with an exact version of the Gemfile.
func (a *app) verify(version string) error {
	want, from, binding := wanted(a.Dir)
	if !binding || strings.Trim(want, "0123456789.") != "" || strings.Count(want, ".") < 2 || want == version {
		return nil
	}
	return buildpack.Failf("%s asks for Ruby %s, but what is at hand is Ruby %s.\nWrite ruby \"~> %s.0\" there, or have the operator add ruby-%s to the mirror of toolchains.",
		from, want, version, version[:strings.LastIndexByte(version, '.')], want)
}

// versionOf reads the version of an unpacked Ruby without running it.
func versionOf(root string) string {
	for _, pattern := range []string{"usr/lib/*/ruby/*/rbconfig.rb", "lib/ruby/*/*/rbconfig.rb"} {
		found, _ := filepath.Glob(filepath.Join(root, pattern)) // the pattern is well-formed
		for _, file := range found {
			text, err := os.ReadFile(file)
			if m := libVersion.FindSubmatch(text); err == nil && m != nil {
				return string(m[1])
			}
		}
	}
	return ""
}
