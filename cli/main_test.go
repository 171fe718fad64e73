package cli_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kigo-dev/kigo/cli"
)

// kigo runs one command line in a clean environment.
func kigo(t *testing.T, env map[string]string, stdin string, args ...string) (out, errs string, code int) {
	t.Helper()
	for k, v := range env {
		t.Setenv(k, v)
	}
	var o, e bytes.Buffer
	code = cli.Main(t.Context(), args, strings.NewReader(stdin), &o, &e)
	return o.String(), e.String(), code
}

func TestAnUnknownCommandIsAnsweredWithTheNearest(t *testing.T) {
	for name, want := range map[string]string{
		"confg:set": "Did you mean config:set?", "ps:scal": "Did you mean ps:scale?", "relaeses": "Did you mean releases?",
		"frobnicate": "Run kigo help for a list of available commands.",
	} {
		_, errs, code := kigo(t, nil, "", name)
		if code != 127 || !strings.Contains(errs, want) {
			t.Errorf("kigo %s: status %d, want 127; %q lacks %q", name, code, errs, want)
		}
	}
}

func TestATopicListsItsCommands(t *testing.T) {
	for _, args := range [][]string{{"git"}, {"git", "--help"}, {"help", "git"}} {
		out, errs, code := kigo(t, nil, "", args...)
		if code != 0 || errs != "" || !strings.Contains(out, "$ kigo git:COMMAND") || !strings.Contains(out, "git:clone") || strings.Contains(out, "releases") {
			t.Errorf("kigo %v: status %d, %s%s", args, code, out, errs)
		}
	}
	for _, args := range [][]string{{"git", "bogus"}, {"gi"}, {"help", "gi"}} {
		if out, errs, code := kigo(t, nil, "", args...); code != 127 || out != "" || !strings.Contains(errs, "is not a kigo command") {
			t.Errorf("kigo %v: status %d, %s%s", args, code, out, errs)
		}
	}
}

// One letter is missing in the middle of each name.
func TestEachCommandIsFoundAgainAfterASlip(t *testing.T) {
	known := commandNames(t)
	for name := range known {
		slip := name[:len(name)/2] + name[len(name)/2+1:]
		if len(name) < 4 || known[slip] {
			continue
		}
		_, errs, code := kigo(t, nil, "", slip)
		if code == 1 && strings.Contains(errs, "is not done here") {
			continue // another of the official ones
		}
		if code != 127 || !strings.Contains(errs, "Did you mean ") {
			t.Errorf("kigo %s: status %d, %s", slip, code, errs)
		}
	}
	_, errs, code := kigo(t, nil, "", "pipelines:update", "--stag", "x")
	if code != 2 || !strings.Contains(errs, "Did you mean --stage?") {
		t.Errorf("a slip in a flag: status %d, %s", code, errs)
	}
}

func TestTwoWordsNameACommandToo(t *testing.T) {
	f := newFake(t)
	env := environment(t, f)
	colon, _, _ := kigo(t, env, "", "config:get", "LANG", "-a", "myapp")
	space, errs, code := kigo(t, env, "", "config", "get", "LANG", "-a", "myapp")
	if colon != space || code != 0 {
		t.Errorf("config get says %q (status %d, %s), config:get says %q", space, code, errs, colon)
	}
}

func TestHelpNamesEveryCommandAndFlag(t *testing.T) {
	out, _, code := kigo(t, nil, "", "help")
	for _, want := range []string{"apps:create", "config:set", "ps:scale", "run:detached", "git:credentials", "env"} {
		if code != 0 || !strings.Contains(out, want) {
			t.Errorf("help (status %d) lacks %s", code, want)
		}
	}
	for _, args := range [][]string{{"help", "ps:scale"}, {"ps:scale", "--help"}, {"help", "ps", "scale"}} {
		out, errs, code := kigo(t, nil, "", args...)
		if code != 0 || !strings.Contains(out, "-a, --app=<value>") || !strings.Contains(out, "$ kigo ps:scale [TYPE=QUANTITY:SIZE...]") {
			t.Errorf("kigo %v: status %d\n%s%s", args, code, out, errs)
		}
	}
}

func TestLoginKeepsTheTokenWhereOnlyItsOwnerReadsIt(t *testing.T) {
	f := newFake(t)
	env := environment(t, f)
	env["HEROKU_API_KEY"], env["HEROKU_HOST"] = "", ""
	out, errs, code := kigo(t, env, f.URL+"\nHRKU-secret\n", "login")
	if code != 0 || out != "Logged in as me@example.com\n" {
		t.Fatalf("login: status %d, %q, %q", code, out, errs)
	}
	file := filepath.Join(env["HOME"], ".config", "kigo", "credentials.json")
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the credentials have mode %v, want 0600", info.Mode().Perm())
	}
	if out, errs, _ := kigo(t, nil, "", "whoami"); out != "me@example.com\n" {
		t.Errorf("whoami after login: %q, %q", out, errs)
	}
	t.Setenv("HEROKU_HOST", "http://127.0.0.1:1")
	if _, errs, code := kigo(t, nil, "", "whoami"); code != 100 || !strings.Contains(errs, "not logged in") {
		t.Errorf("the token of one server was used for another: status %d, %q", code, errs)
	}
	t.Setenv("HEROKU_HOST", "")
	kigo(t, nil, "", "logout")
	if _, err := os.Stat(file); !os.IsNotExist(err) {
		t.Errorf("logout left the credentials: %v", err)
	}
}

func TestLogoutSaysThatATokenIsStillGood(t *testing.T) {
	home := t.TempDir()
	env := map[string]string{"HOME": home, "XDG_CONFIG_HOME": home, "KIGO_HOST": "", "HEROKU_HOST": "", "KIGO_API_KEY": "", "HEROKU_API_KEY": ""}
	file := filepath.Join(home, "kigo", "credentials.json")
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(`{"url": "http://127.0.0.1:1", "token": "HRKU-x", "authorization": "`+anID+`"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	_, errs, code := kigo(t, env, "", "logout")
	if code != 0 || !strings.Contains(errs, "The server could not be told, and the token is still good") || !strings.Contains(errs, "127.0.0.1:1") {
		t.Errorf("status %d, %q", code, errs)
	}
	if _, err := os.Stat(file); !os.IsNotExist(err) {
		t.Errorf("the credentials are still there: %v", err)
	}
}

func TestAWrongTokenIsRefusedInPlainWords(t *testing.T) {
	f := newFake(t)
	env := environment(t, f)
	env["HEROKU_API_KEY"] = "HRKU-wrong"
	_, errs, code := kigo(t, env, "", "apps")
	if code != 100 || !strings.Contains(errs, "Invalid credentials") {
		t.Errorf("status %d, %q", code, errs)
	}
}

func TestEnvQuotesItsValuesForAShell(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "it's; touch owned")
	write(t, filepath.Join(dir, "server.json"), fmt.Sprintf(`{"api":"http://127.0.0.1:5000","git":"127.0.0.1:5000","http":"http://127.0.0.1:8080","ca":%q}`, dir+"/ca/bundle.pem"))
	write(t, filepath.Join(dir, "token"), "HRKU-$(id)\n")
	out, errs, code := kigo(t, nil, "", "env", "--data", dir)
	if code != 0 {
		t.Fatalf("status %d: %s", code, errs)
	}
	cmd := exec.Command("sh", "-c", out+`printf '%s|%s|%s' "$HEROKU_HOST" "$HEROKU_API_KEY" "$GIT_SSL_CAINFO"`)
	got, err := cmd.CombinedOutput()
	if want := "http://127.0.0.1:5000|HRKU-$(id)|" + dir + "/ca/bundle.pem"; err != nil || string(got) != want {
		t.Errorf("a shell read %q (%v), want %q", got, err, want)
	}
}

// Every variable that would otherwise lead to one of Heroku's own hosts.
func TestEnvLeavesNoAddressAtHeroku(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "server.json"), `{"api":"http://127.0.0.1:5000","git":"127.0.0.1:5000","ca":"/ca.pem"}`)
	write(t, filepath.Join(dir, "token"), "HRKU-x")
	out, _, _ := kigo(t, nil, "", "env", "--data", dir)
	for _, name := range []string{
		"HEROKU_HOST", "HEROKU_API_KEY", "HEROKU_GIT_HOST", "HEROKU_DATA_HOST", "HEROKU_POSTGRESQL_HOST", "HEROKU_REDIS_HOST", "HEROKU_LOGIN_HOST",
		"HEROKU_PARTICLEBOARD_URL", "HEROKU_BUILDPACK_REGISTRY_URL", "HEROKU_STATUS_HOST", "HEROKU_EXEC_URL", "HEROKU_CI_WEBSOCKET_URL", "HEROKU_ANALYTICS_URL",
		"DISABLE_TELEMETRY", "HEROKU_DISABLE_AUTOUPDATE", "HEROKU_SKIP_NEW_VERSION_CHECK", "NODE_EXTRA_CA_CERTS", "GIT_SSL_CAINFO",
	} {
		if !strings.Contains(out, "export "+name+"='") {
			t.Errorf("kigo env does not set %s", name)
		}
	}
	if strings.Contains(out, "heroku.com") {
		t.Errorf("kigo env names a host of Heroku's:\n%s", out)
	}
}

func TestGitGetsAPasswordForTheServersHostAlone(t *testing.T) {
	f := newFake(t)
	env := environment(t, f)
	out, _, _ := kigo(t, env, "protocol=https\nhost=127.0.0.1:5000\n\n", "git:credentials", "get")
	if want := "protocol=https\nhost=127.0.0.1:5000\nusername=heroku\npassword=HRKU-secret\n"; out != want {
		t.Errorf("git:credentials says %q, want %q", out, want)
	}
	for _, other := range []string{"protocol=http\nhost=127.0.0.1:5000\n\n", "protocol=https\nhost=example.com\n\n"} {
		if out, _, _ := kigo(t, nil, other, "git:credentials", "get"); out != "" {
			t.Errorf("git:credentials gave the token away for %q: %q", other, out)
		}
	}
}

func TestCreateInARepositoryAddsARemoteThatNamesTheApp(t *testing.T) {
	f := newFake(t)
	env := environment(t, f)
	t.Chdir(t.TempDir())
	if out, err := exec.Command("git", "init", "-q").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if _, errs, code := kigo(t, env, "", "create", "myapp"); code != 0 {
		t.Fatal(errs)
	}
	url, err := exec.Command("git", "remote", "get-url", "heroku").Output()
	if want := "https://127.0.0.1:5000/myapp.git\n"; err != nil || string(url) != want {
		t.Errorf("the remote is %q (%v), want %q", url, err, want)
	}
	helper, err := exec.Command("git", "config", "credential.https://127.0.0.1:5000.helper").Output()
	if err != nil || !strings.HasSuffix(string(helper), " git:credentials\n") {
		t.Errorf("the credential helper is %q (%v)", helper, err)
	}
	if out, errs, _ := kigo(t, nil, "", "config:get", "LANG"); out != "en\n" {
		t.Errorf("without -a the app is not found by the remote: %q, %q", out, errs)
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
