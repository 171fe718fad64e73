package cli_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kigo-dev/kigo/cli"
)

// TestMain is the program itself when a shell calls it.
func TestMain(m *testing.M) {
	cli.PatientCompletion()
	if filepath.Base(os.Args[0]) == "kigo" {
		os.Exit(cli.Main(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// Each shell is asked what it would offer; each in its own way.
var shells = map[string]string{
	"bash": `source <(kigo completion bash)
COMP_LINE="$1"; COMP_POINT=${#COMP_LINE}; _kigo; printf '%s\n' "${COMPREPLY[@]}"`,
	"zsh": `autoload -U compinit && compinit -u -D
compadd() { shift; [ "$1" = -- ] && shift; print -l -- "$@" }
source <(kigo completion zsh)
words=("${(@s: :)1}"); CURRENT=${#words}; _kigo`,
	"fish": `kigo completion fish | source; complete --do-complete $argv[1] | string replace --regex '\t.*' ''; true`,
}

func TestShellsCompleteCommandsFlagsAndApps(t *testing.T) {
	f := newFake(t)
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, filepath.Join(dir, "kigo")); err != nil {
		t.Fatal(err)
	}
	env := append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"))
	for k, v := range environment(t, f) {
		env = append(env, k+"="+v)
	}
	for shell, script := range shells {
		program, err := exec.LookPath(shell)
		if err != nil {
			t.Fatalf("%s is missing: script/setup installs it", shell)
		}
		file := filepath.Join(dir, "ask."+shell)
		if err := os.WriteFile(file, []byte(script), 0o600); err != nil {
			t.Fatal(err)
		}
		for line, want := range map[string]string{
			"kigo maint": "maintenance", "kigo ps:sc": "scale", "kigo logs --ta": "--tail", "kigo logs -a ": "myapp", "kigo completion z": "zsh",
		} {
			cmd := exec.CommandContext(t.Context(), program, file, line)
			cmd.Env = env
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%s: %v\n%s", shell, err, out)
			}
			found := false
			for offered := range strings.FieldsSeq(string(out)) {
				found = found || strings.TrimPrefix(offered, "ps:") == want
			}
			if !found {
				t.Errorf("%s offers for %q: %q, want %s", shell, line, out, want)
			}
		}
	}
}

func TestValuesOfFlagsAndArgumentsAreCompleted(t *testing.T) {
	f := newFake(t)
	env := environment(t, f)
	for line, want := range map[string]string{
		"members -t |": "acme\nbeta\n", "pipelines:update -s prod": "production\n", "pipelines:info my": "mypipe\n", "webhooks:add --level |": "notify\nsync\n",
		"apps:diff z": "zapp\n", "ci:config --pipeline |": "mypipe\n", "apps:transfer a": "acme\n", "members:add --role v": "viewer\n", "apps:lock -a m": "myapp\n",
	} {
		words := append([]string{"complete", "--"}, strings.Fields(line)...)
		if last := len(words) - 1; words[last] == "|" {
			words[last] = ""
		}
		if out, errs, code := kigo(t, env, "", words...); out != want || code != 0 {
			t.Errorf("%s: status %d, %q, want %q\n%s", line, code, out, want, errs)
		}
	}
}

func TestCompletionKnowsItsShells(t *testing.T) {
	if _, errs, code := kigo(t, nil, "", "completion", "tcsh"); code != 2 || !strings.Contains(errs, "bash, zsh or fish") {
		t.Errorf("status %d: %s", code, errs)
	}
	out, _, code := kigo(t, nil, "", "complete", "--", "no-such-command", "")
	if code != 0 || out != "" {
		t.Errorf("after a command that is none: status %d, %q", code, out)
	}
}

func TestTheManualPageIsWellFormedAndWhole(t *testing.T) {
	out, errs, code := kigo(t, nil, "", "man")
	if code != 0 {
		t.Fatal(errs)
	}
	page := filepath.Join(t.TempDir(), "kigo.1")
	if err := os.WriteFile(page, []byte(out), 0o600); err != nil {
		t.Fatal(err)
	}
	if text, err := exec.CommandContext(t.Context(), "mandoc", "-T", "lint", "-W", "warning", page).CombinedOutput(); err != nil {
		t.Errorf("mandoc: %v\n%s", err, text)
	}
	for _, want := range []string{".It Nm kigo config:set Ar KEY=VALUE...", ".It Fl n , Fl -num Ns = Ns Ar VALUE", "HEROKU_API_KEY"} {
		if !strings.Contains(out, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}
