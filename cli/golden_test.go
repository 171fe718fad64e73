package cli_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kigo-dev/kigo/cli"
)

// -update runs the official Heroku CLI that script/setup installed, and keeps
// what it says: kigo is compared with that.
var update = flag.Bool("update", false, "record testdata/heroku from the official Heroku CLI")

// same lists command lines whose output is the official CLI's, to the byte.
var same = []string{
	"apps", "apps --json", "apps -A", "apps:info -a myapp", "apps:info -a myapp --shell", "apps:info -a myapp --json",
	"create newapp", "create", "apps:create newapp --region eu --json", "create taken", "apps:rename newname -a myapp", "apps:destroy -a myapp --confirm myapp",
	"apps:destroy -a myapp --confirm other", "apps:info -a nosuch",
	"config -a myapp", "config -a myapp -s", "config -a myapp --json", "config:get LANG -a myapp", "config:get NONE -a myapp", "config:get A_LONG_NAME -a myapp -s",
	"config:set A=1 B=two -a myapp", "config:set nonsense -a myapp", "config:set -a myapp", "config:unset LANG -a myapp", "config:unset -a myapp",
	"ps -a myapp", "ps web -a myapp", "ps nosuch -a myapp", "ps:scale -a myapp", "ps:scale web=3 worker=2 -a myapp", "ps:scale web+1 -a myapp",
	"ps:scale web=3:Standard-2X -a myapp", "ps:scale nosuch=1 -a myapp", "ps:restart -a myapp", "ps:restart web.1 -a myapp",
	"ps:restart -p web -a myapp", "ps:restart -d web.1 -a myapp", "ps:stop web.1 -a myapp", "ps:stop -p worker -a myapp", "ps:stop -a myapp", "ps:type -a myapp", "ps:type web=standard-2x -a myapp", "ps:type nosuch=basic -a myapp",
	"logs -a myapp", "logs -a myapp -n 5 -d web.1 -s app", "logs -a nosuch",
	"releases -a myapp", "releases -a myapp -n 2", "releases:info v2 -a myapp", "releases:info v2 -a myapp --shell", "releases:info v9 -a myapp", "releases:output v4 -a myapp", "releases:output v2 -a myapp",
	"rollback v2 -a myapp", "rollback -a myapp", "releases:rollback v9 -a myapp",
	"run:detached -a myapp echo hi",
	"buildpacks -a myapp", "buildpacks:add heroku/ruby -a myapp", "buildpacks:add -i 1 https://example.com/a/b.git -a myapp", "buildpacks:add heroku/nodejs -a myapp", "buildpacks:set heroku/python -a myapp",
	"buildpacks:set -i 2 heroku/python -a myapp", "buildpacks:remove heroku/nodejs -a myapp", "buildpacks:remove -i 1 -a myapp", "buildpacks:remove heroku/go -a myapp", "buildpacks:clear -a myapp",
	"maintenance -a myapp", "maintenance:on -a myapp", "maintenance:off -a myapp",
	"auth:whoami", "auth:token", "domains -a myapp", "apps:stacks -a myapp", "labs:enable early -a myapp", "buildpacks --json -a myapp", "regions", "regions --json",
	"features -a myapp", "features:info preboot -a myapp", "features:enable preboot -a myapp", "features:disable log-runtime-metrics -a myapp", "labs -a myapp",
	"drains -a myapp", "drains -x -a myapp", "drains --json -a myapp", "drains:add https://user:secret@logs.example.com/x -a myapp", "drains:add ftp://x -a myapp",
	"drains:remove https://user:secret@logs.example.com/x -a myapp", "drains:remove d.22222222-89ab-cdef-0123-456789abcdef -a myapp",
	"certs -a myapp", "certs -a empty", "certs:info -a myapp", "certs:info --name tiger-1 -a myapp", "certs:info --name tiger-1 --show-domains -a myapp", "certs:info --name nosuch -a myapp",
	"certs:info --name tiger-1 --endpoint www.example.com -a myapp", "certs:info --endpoint www.example.com -a myapp", "certs:info -a empty", "certs:info --name auto-2 -a myapp",
	"certs:update /dev/null /dev/null --name tiger-1 --confirm myapp -a myapp", "certs:update /nosuch /nosuch --name tiger-1 --confirm myapp -a myapp",
	"certs:remove --name tiger-1 --confirm myapp -a myapp", "certs:remove --name tiger-1 --confirm other -a myapp",
	"certs:auto:disable --confirm myapp -a myapp", "certs:auto:disable --confirm other -a myapp", "certs:auto:refresh -a myapp", "certs:auto:refresh -a empty", "domains:clear -a myapp",
	"authorizations", "authorizations --json", "authorizations:create -d x -s read,write", "authorizations:create --short", "authorizations:create --json", "authorizations:info 66666666-89ab-cdef-0123-456789abcdef",
	"authorizations:revoke 66666666-89ab-cdef-0123-456789abcdef", "authorizations:rotate 66666666-89ab-cdef-0123-456789abcdef", "authorizations:update 66666666-89ab-cdef-0123-456789abcdef -d x", "authorizations:info nosuch",
	"clients", "clients --json", "clients:create Amazing https://amazing.example.com/cb", "clients:destroy 66666666-89ab-cdef-0123-456789abcdef", "clients:info 66666666-89ab-cdef-0123-456789abcdef", "clients:info 66666666-89ab-cdef-0123-456789abcdef --shell",
	"clients:info 66666666-89ab-cdef-0123-456789abcdef --json", "clients:rotate 66666666-89ab-cdef-0123-456789abcdef", "clients:update 66666666-89ab-cdef-0123-456789abcdef -n y", "clients:update 66666666-89ab-cdef-0123-456789abcdef", "sessions", "sessions:destroy 1", "keys:clear",
	"apps -t acme", "create teamnew -t acme", "teams", "orgs", "orgs --enterprise", "members -t acme", "members -t beta", "members -t acme --pending", "members -t beta -r viewer", "members", "members:add new@example.com -t acme -r member",
	"members:add new@example.com -t beta -r member", "members:add new@example.com -t beta", "members:set you@example.com -t acme -r admin", "members:remove new@example.com -t acme", "members:remove you@example.com -t acme",
	"access -a myapp", "access -a teamapp", "access:update you@example.com -p deploy -a teamapp", "access:update you@example.com -p deploy -a myapp", "access:remove you@example.com -a myapp", "access:add you@example.com -a myapp",
	"apps:join -a teamapp", "apps:leave -a myapp", "apps:lock -a myapp", "apps:lock -a teamapp", "apps:unlock -a teamapp", "apps:unlock -a myapp", "apps:transfer you@example.com -a myapp", "apps:transfer acme -a myapp",
	"apps:transfer you@example.com -a teamapp --confirm teamapp", "apps:transfer you@example.com -a teamapp --confirm other",
	"pipelines", "pipelines:info mypipe", "pipelines:info nosuch", "pipelines:info mypipe --json", "pipelines:info mypipe --with-owners", "pipelines:create newpipe -s staging -a myapp", "pipelines:create newpipe -s staging -a myapp -t acme",
	"pipelines:add mypipe -s production -a myapp", "pipelines:update -s production -a myapp", "pipelines:remove -a myapp", "pipelines:destroy mypipe", "pipelines:rename mypipe other",
	"pipelines:promote -a myapp", "pipelines:promote -a live", "pipelines:promote -a myapp --to live", "pipelines:transfer acme -p mypipe -c mypipe",
	"pipelines:transfer you@example.com -p mypipe -c mypipe", "pipelines:transfer acme -p mypipe -c other", "pipelines:diff -a live",
	"ci:config -p mypipe", "ci:config -p mypipe --json", "ci:config -p mypipe -s", "ci:config:get CI_KEY -p mypipe", "ci:config:get NONE -p mypipe", "ci:config:get OTHER -p mypipe -s", "ci:config:set A=1 B=2 -p mypipe",
	"ci:config:set nonsense -p mypipe", "ci:config:unset A -p mypipe", "ci:config:unset -p mypipe", "ci:config -a myapp",
	"webhooks -a myapp", "webhooks -a empty", "webhooks:info 66666666-89ab-cdef-0123-456789abcdef -a myapp", "webhooks:remove 66666666-89ab-cdef-0123-456789abcdef -a myapp", "webhooks:update 66666666-89ab-cdef-0123-456789abcdef -i dyno -l notify -u https://x.example.com -a myapp", "webhooks:add -a myapp",
	"webhooks:deliveries -a myapp", "webhooks:deliveries -a empty", "webhooks:deliveries:info 66666666-89ab-cdef-0123-456789abcdef -a myapp", "webhooks:events -a myapp", "webhooks:events -a empty", "webhooks:events:info e1 -a myapp",
	"telemetry -a myapp", "telemetry -a empty", "telemetry:add https://otel.example.com -a myapp", "telemetry:add https://otel.example.com -a myapp --transport pigeon",
	"telemetry:info 66666666-89ab-cdef-0123-456789abcdef", "telemetry:remove 66666666-89ab-cdef-0123-456789abcdef", "telemetry:remove -a myapp", "telemetry:update 66666666-89ab-cdef-0123-456789abcdef --signals logs", "status", "status --json", "labs:info early -a myapp", "auth:2fa", "addons -a myapp", "addons --all",
	"apps:diff myapp myapp", "apps:diff myapp nosuch", "certs:add /dev/null /dev/null -a myapp", "certs:add /nosuch /nosuch -a myapp", "certs:auto -a myapp", "certs:auto:enable -a myapp", "domains:info www.example.com -a myapp", "domains:update www.example.com --cert tiger-1 -a myapp",
	"domains:update www.example.com -a myapp", "domains:wait -a myapp", "domains:wait www.example.com -a myapp",
	"ps:restart", "config -a",
}

// moving is what differs from run to run.
var moving = []struct {
	what *regexp.Regexp
	with string
}{
	{regexp.MustCompile(`\d{4}/\d\d/\d\d \d\d:\d\d:\d\d [+-]\d{4}`), "DATE"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`), "TIME"},
	{regexp.MustCompile(`\w{3} \w{3} \d\d \d{4} \d\d:\d\d:\d\d GMT[+-]\d{4} \([^)]*\)`), "LONG DATE"},
	{regexp.MustCompile(`http://127\.0\.0\.1:\d+`), "SERVER"},
	{regexp.MustCompile(`127\.0\.0\.1:\d+`), "HOST"},
	{regexp.MustCompile(`\(~ (1|2)\ds ago\)`), "(~ 20s ago)"},
	{regexp.MustCompile(`[ \t]+\n`), "\n"},
	// The program's own name, and what is true of Heroku only.
	{regexp.MustCompile(`\bkigo([ \n])`), "heroku$1"},
	{regexp.MustCompile(`managed by Kigo`), "managed by Heroku"},
	{regexp.MustCompile(`(?m)^Please note that it may take a few minutes for Heroku .*\n`), ""},
}

func TestCommandsSayWhatTheOfficialOnesSay(t *testing.T) {
	f := newFake(t)
	for _, line := range same {
		t.Run(line, func(t *testing.T) {
			golden := filepath.Join("testdata", "heroku", fileName(line))
			if *update {
				record(t, f, line, golden)
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			var out, errs bytes.Buffer
			for k, v := range environment(t, f) {
				t.Setenv(k, v)
			}
			t.Chdir(t.TempDir())
			code := cli.Main(t.Context(), strings.Fields(line), strings.NewReader(""), &out, &errs)
			if diff := cmp.Diff(normal(string(want)), transcript(line, out.String(), errs.String(), code)); diff != "" {
				t.Errorf("heroku (-) and kigo (+) differ:\n%s", diff)
			}
		})
	}
}

func environment(t testing.TB, f *fake) map[string]string {
	dead := "http://127.0.0.1:9"
	return map[string]string{
		"HEROKU_HOST": f.URL, "HEROKU_API_KEY": "HRKU-secret", "HEROKU_GIT_HOST": "127.0.0.1:5000", "HOME": t.TempDir(), "TZ": "UTC",
		"HEROKU_PARTICLEBOARD_URL": f.URL, "HEROKU_BUILDPACK_REGISTRY_URL": f.URL, "HEROKU_LOGIN_HOST": dead, "HEROKU_STATUS_HOST": f.URL,
		"HEROKU_ANALYTICS_URL": dead, "DISABLE_TELEMETRY": "true", "HEROKU_DISABLE_AUTOUPDATE": "1", "HEROKU_SKIP_NEW_VERSION_CHECK": "true", "HEROKU_APP": "",
		"XDG_CONFIG_HOME": "", "KIGO_APP": "", "KIGO_HOST": "", "KIGO_API_KEY": "",
	}
}

func record(t *testing.T, f *fake, line, golden string) {
	t.Helper()
	program, err := filepath.Abs("../.cache/bin/heroku")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, strings.Fields(line)...)
	cmd.Dir = t.TempDir()
	// A home whose cache says that Heroku's terms of service were shown already.
	home := t.TempDir()
	if err := os.MkdirAll(filepath.Join(home, ".cache", "heroku"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(home, ".cache", "heroku", "terms-of-service"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home}
	for k, v := range environment(t, f) {
		if v != "" && k != "HOME" {
			cmd.Env = append(cmd.Env, k+"="+v)
		}
	}
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err = cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(golden), 0o755); err != nil {
		t.Fatal(err)
	}
	text := transcript(line, out.String(), errs.String(), cmd.ProcessState.ExitCode())
	if err := os.WriteFile(golden, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func transcript(line, out, errs string, code int) string {
	return normal(fmt.Sprintf("$ heroku %s\n-- stdout --\n%s\n-- stderr --\n%s\n-- exit %d --\n", line, out, errs, code))
}

func normal(s string) string {
	for _, m := range moving {
		s = m.what.ReplaceAllString(s, m.with)
	}
	return s
}

var unfit = regexp.MustCompile(`[^A-Za-z0-9=+.-]+`)

func fileName(line string) string { return unfit.ReplaceAllString(line, "_") + ".txt" }
