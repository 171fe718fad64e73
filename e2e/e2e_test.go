package e2e

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/kigo-dev/kigo/internal/testenv"
)

// TestMain undoes what a shell does to what it starts in the background: scripts end what
// they have begun by SIGINT, and who is born with it ignored never ends.
func TestMain(m *testing.M) {
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGHUP} {
		if signal.Ignored(s) {
			signal.Notify(make(chan os.Signal, 1), s) // what is caught here has its default in children
		}
	}
	os.Exit(m.Run())
}

// TestScripts runs every script at once against one server: those in testdata, and
// the rows of the official CLI's commands.
func TestScripts(t *testing.T) {
	runFiles(t, testscript.Params{Files: append(scripts(t, "official"), scripts(t, "testdata")...)})
}

// TestApart runs what needs a server with other settings: a pool of dyno hours of seven
// seconds, and gVisor.
func TestApart(t *testing.T) {
	runsc, err := filepath.Abs("../.cache/bin/runsc")
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"--eco-hours", "0.002", "--idle-after", "1h", "--runsc", testenv.NeedsProgram(t, runsc)}
	runOn(t, setup{args: args}, testscript.Params{Files: scripts(t, "apart")})
}

// TestRestarts runs what kills the server's processes: each script against a
// server of its own.
func TestRestarts(t *testing.T) {
	for _, file := range scripts(t, "restart") {
		runFiles(t, testscript.Params{Files: []string{file}})
	}
}

func scripts(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatal(dir, files, err)
	}
	return files
}

func runFiles(t *testing.T, which testscript.Params) { runOn(t, setup{acme: true}, which) }

func runOn(t *testing.T, with setup, which testscript.Params) {
	testenv.NeedsRoot(t)
	s := startServer(t, with)
	testscript.Run(t, testscript.Params{
		Files:              which.Files,
		RequireUniqueNames: true,
		Setup:              s.setup,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"app": appCommand, "heroku": program("heroku"), "heroku-8": program("heroku-8"), "kigo": program("kigo"), "git": program("git"), "curl": program("curl"),
			"retry": retry, "steady": s.steadyCommand, "far": far, "kill9": s.kill, "renew": s.renew, "load": load,
			"row": row, "api": apiCommand, "let": let, "typed": typed, "both": both,
		},
	})
}

// setup gives each script an empty home, an app name of its own in $APP, and the
// variables that `kigo env` prints.
func (s *server) setup(env *testscript.Env) error {
	home := filepath.Join(env.WorkDir, ".home")
	shown := filepath.Join(home, ".cache", "heroku")
	if err := os.MkdirAll(shown, 0o755); err != nil {
		return err
	}
	// The official CLI says once that Heroku's terms have changed, unless this is there.
	if err := os.WriteFile(filepath.Join(shown, "terms-of-service"), nil, 0o644); err != nil {
		return err
	}
	gitconfig := "[user]\n\tname = Someone\n\temail = someone@example.com\n[init]\n\tdefaultBranch = main\n[advice]\n\tdefaultBranchName = false\n"
	if err := os.WriteFile(filepath.Join(home, ".gitconfig"), []byte(gitconfig), 0o644); err != nil {
		return err
	}
	name := strings.TrimSuffix(filepath.Base(env.WorkDir), ".txtar")
	env.Vars = append(env.Vars, s.variables...)
	env.Vars = append(env.Vars,
		"HOME="+home, "XDG_CONFIG_HOME=", "TZ=UTC", "GIT_TERMINAL_PROMPT=0", "GIT_CONFIG_NOSYSTEM=1",
		"PATH="+s.path, "ROOT="+s.root, "APP="+strings.TrimPrefix(name, "script-")+"-"+random(), "OTHER=other-"+random(), "HTTP="+s.httpPort, "HTTPS="+s.httpsPort,
		"NODE_OPTIONS=--require "+filepath.Join(s.root, "e2e", "trap.cjs")+" --require "+filepath.Join(s.data, "heroku.cjs"), "KIGO_TRAP="+filepath.Join(env.WorkDir, ".trap"),
		"TESTAPP="+s.testapp, "ISSUERS="+s.issuers,
	)
	o := &official{s: s, env: env.Vars, dir: env.WorkDir}
	env.Values[officialKey] = o
	env.Defer(o.stop)
	return nil
}

func random() string {
	b := make([]byte, 3)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// program makes a command of a program in PATH, as `exec` would run it, but for
// a limit: coreutils' timeout ends with 124 when it is over.
func program(name string) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		err := ts.Exec("timeout", append([]string{"--kill-after=5", "120", name}, args...)...)
		var exit *exec.ExitError
		if errors.As(err, &exit) && exit.ExitCode() == 124 {
			ts.Fatalf("%s did not end within two minutes", name)
		}
		check(ts, neg, err)
	}
}

// check fails the script as `exec` would, and also if the official CLI tried to
// reach any host but this machine.
func check(ts *testscript.TestScript, neg bool, err error) {
	if trapped, e := os.ReadFile(ts.Getenv("KIGO_TRAP")); e == nil && len(trapped) > 0 {
		ts.Fatalf("the official CLI tried to leave this machine:\n%s", trapped)
	}
	switch {
	case err != nil && !neg:
		ts.Fatalf("%v", err)
	case err == nil && neg:
		ts.Fatalf("the command succeeded, which it should not")
	}
}

// appCommand makes a git repository of the test app: app [FOLDER] [PROCFILE-LINE...].
// Without lines the Procfile has a web and a worker type.
func appCommand(ts *testscript.TestScript, _ bool, args []string) {
	dir, lines := "app", []string{"web: bin/testapp web", "worker: bin/testapp worker"}
	if len(args) > 0 {
		dir = args[0]
	}
	if len(args) > 1 {
		lines = args[1:]
	}
	dir = ts.MkAbs(dir)
	ts.Check(os.MkdirAll(filepath.Join(dir, "bin"), 0o755))
	ts.Check(os.WriteFile(filepath.Join(dir, "Procfile"), []byte(strings.Join(lines, "\n")+"\n"), 0o644))
	data, err := os.ReadFile(ts.Getenv("TESTAPP"))
	ts.Check(err)
	ts.Check(os.WriteFile(filepath.Join(dir, "bin", "testapp"), data, 0o755))
	for _, git := range [][]string{{"init", "-q"}, {"add", "."}, {"commit", "-q", "-m", "First version"}} {
		ts.Check(ts.Exec("git", append([]string{"-C", dir}, git...)...))
	}
}

// buildTestApp compiles the program that the scripts deploy.
func buildTestApp(t testing.TB, root, dir string) string {
	t.Helper()
	out := filepath.Join(dir, "testapp")
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", out, "./e2e/testapp")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if b, err := cmd.CombinedOutput(); err != nil {
		t.Fatal(fmt.Errorf("build test app: %w: %s", err, b))
	}
	return out
}
