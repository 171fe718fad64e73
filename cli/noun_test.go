package cli_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The list of the official command line's commands is recorded with -update, as goldens are.
func TestEachCommandOfTheOfficialOneIsDoneOrRefusedWithAReason(t *testing.T) {
	golden := filepath.Join("testdata", "heroku", "commands.txt")
	if *update {
		program, err := filepath.Abs("../.cache/bin/heroku")
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(program, "commands", "--json")
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "DISABLE_TELEMETRY=true", "HEROKU_DISABLE_AUTOUPDATE=1", "HEROKU_SKIP_NEW_VERSION_CHECK=true"}
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		var all []struct{ ID string }
		if err := json.Unmarshal(out, &all); err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, c := range all {
			names = append(names, c.ID)
		}
		if err := os.WriteFile(golden, []byte(strings.Join(names, "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	list, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	ours := commandNames(t)
	official := strings.Fields(string(list))
	if len(official) < 300 {
		t.Fatalf("the recorded list has only %d commands", len(official))
	}
	done := 0
	for _, name := range official {
		if ours[name] || name == "help" {
			done++
			continue
		}
		_, errs, code := kigo(t, nil, "", name)
		if flat := strings.Join(strings.Fields(strings.ReplaceAll(errs, "›", "")), " "); code != 1 || !strings.Contains(flat, name+" is not done here. ") {
			t.Errorf("kigo %s: status %d, %s", name, code, errs)
		}
	}
	t.Logf("%d of %d are done", done, len(official))
	_, errs, _ := kigo(t, nil, "", "pg", "info")
	if !strings.Contains(errs, "pg:info is not done here. This server has no add-on providers.") {
		t.Errorf("two words are not taken for one command: %s", errs)
	}
}

// commandNames is every name and alias of the table.
func commandNames(t *testing.T) map[string]bool {
	t.Helper()
	out, errs, code := kigo(t, nil, "", "commands", "--json")
	if code != 0 {
		t.Fatalf("commands: %d, %s", code, errs)
	}
	var all []struct {
		ID      string
		Aliases []string
	}
	if err := json.Unmarshal([]byte(out), &all); err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, c := range all {
		for _, n := range append(c.Aliases, c.ID) {
			if names[n] {
				t.Errorf("%s is the name of two commands", n)
			}
			names[n] = true
		}
	}
	return names
}

// Every command that asks the server prints JSON with --json, and nothing else.
func TestJSONIsTheServersAnswerWhereACommandHasNoneOfItsOwn(t *testing.T) {
	f := newFake(t)
	env := environment(t, f)
	for line, want := range map[string]string{
		"webhooks -a myapp": `"url": "https://hooks.example.com/x"`, "pipelines:update -s production -a myapp": `"stage": "staging"`, "clients:destroy " + anID: `"name": "Amazing"`,
		"teams": `"name": "acme"`, "maintenance:on -a myapp": `"maintenance": false`, "pipelines:promote -a myapp": `"pipeline_promotion"`, "certs:auto -a myapp": `"acm": false`,
		"domains:wait -a myapp": `"kind": "heroku"`, "ps:restart -a myapp": `{}`, "config:unset LANG -a myapp": `"LANG"`, "auth:whoami": `"email": "me@example.com"`,
	} {
		out, errs, code := kigo(t, env, "", append(strings.Fields(line), "--json")...)
		if code != 0 || !json.Valid([]byte(out)) || !strings.Contains(out, want) {
			t.Errorf("%s --json: status %d\n%s%s", line, code, out, errs)
		}
	}
	out, errs, code := kigo(t, env, "", "webhooks", "-a", "nosuch", "--json")
	if code != 2 || out != "" || !strings.Contains(errs, "Couldn't find that app.") {
		t.Errorf("a refusal with --json: status %d, %q, %q", code, out, errs)
	}
}

func TestWhatIsMissingOrWrongIsSaid(t *testing.T) {
	f := newFake(t)
	env := environment(t, f)
	t.Chdir(t.TempDir())
	for line, want := range map[string]string{
		"clients:create Amazing nonsense":                                    "Invalid URL: nonsense",
		"pipelines:promote -a myapp --to nosuch":                             "Cannot find app nosuch",
		"pipelines:promote -a myapp --to myapp":                              "Cannot promote from an app to itself: myapp",
		"telemetry:add https://otel.example.com -a myapp --signals nonsense": "Invalid signal option: nonsense.",
		"telemetry:add https://otel.example.com -a myapp --headers nonsense": "--headers nonsense is no JSON object of texts",
		"telemetry:remove":                                "Requires either --app or a TELEMETRY_DRAIN_ID",
		"telemetry:update " + anID:                        "Requires either --signals",
		"authorizations:create -e soon":                   "Expected an integer but received: soon",
		"authorizations:update x --client-id":             "Flag --client-id expects a value",
		"authorizations:update x --client-id=y":           "must be given together",
		"apps:transfers:accept nosuch":                    "There is no open offer of nosuch",
		"pipelines:transfer acme":                         "Missing required flag pipeline",
		"ci:config":                                       "Required flag:  --pipeline PIPELINE or --app APP",
		"certs:generate ../x -a myapp":                    "../x is not a host name",
		"certs:generate x.example.com -a myapp":           "Say --now to leave the owner out",
		"certs:generate x --now --keysize 12 -a myapp":    "--keysize 12 is no size of an RSA key",
		"buildpacks:info nonsense":                        "is not of the form namespace/name",
		"run:inside -a myapp":                             "Missing 2 required args",
		"run:inside web.1 -a myapp":                       "Missing 1 required args",
		"container:push -a myapp":                         "Requires exactly one target process type",
		"container:push web -a myapp":                     "there is no Dockerfile in this folder",
		"container:push -R -a myapp":                      "there is no Dockerfile.TYPE in this folder",
		"container:pull -a myapp":                         "Must specify at least one process type",
		"container:run -a myapp":                          "Must specify one process type",
		"usage:addons":                                    "Specify an app with --app or a team with --team",
		"pipelines:info " + strings.Repeat("f", 3) + " x": "Unexpected argument: x",
	} {
		_, errs, code := kigo(t, env, "", strings.Fields(line)...)
		if flat := strings.Join(strings.Fields(strings.ReplaceAll(errs, "›", "")), " "); code == 0 || !strings.Contains(flat, strings.Join(strings.Fields(want), " ")) {
			t.Errorf("%s: status %d\n%s", line, code, errs)
		}
	}
}

// The official command line asks another host, which is none in tests: its texts are from its source.
func TestFavoritesAndNotifications(t *testing.T) {
	f := newFake(t)
	env := environment(t, f)
	for line, want := range map[string]string{
		"apps:favorites": "=== Favorited Apps\n\nlive\n", "apps:favorites:add -a myapp": "Adding myapp to favorites... done\n",
		"apps:favorites:add -a live":     "Adding live to favorites... !\n    Error: live is already a favorite app.\n",
		"apps:favorites:remove -a live":  "Removing live from favorites... done\n",
		"apps:favorites:remove -a myapp": "Removing myapp from favorites... !\n    Error: myapp is not already a favorite app.\n",
		"notifications":                  "No unread notifications.\nRun kigo notifications --read to view read notifications.\n",
		"notifications -a myapp":         "No unread notifications on myapp.\nRun kigo notifications --all to view notifications for all apps.\n",
		"notifications --read":           "You have no notifications.\n",
		"notifications --read -a myapp":  "You have no notifications on myapp.\nRun kigo notifications --all to view notifications for all apps.\n",
		"notifications --json":           "[]\n",
	} {
		out, errs, _ := kigo(t, env, "", strings.Fields(line)...)
		if out+errs != want {
			t.Errorf("%s: %q, want %q", line, out+errs, want)
		}
	}
}

func TestAnOfferedAppIsTakenOrTurnedDown(t *testing.T) {
	f := newFake(t)
	env := environment(t, f)
	for line, want := range map[string]string{
		"apps:transfers": "gift    you@example.com   me@example.com    pending", "apps:transfers:accept gift": "Taking gift... done",
		"apps:transfers:decline gift": "Declining gift... done", "apps:transfers:decline myapp": "Taking back the offer of myapp... done",
	} {
		out, errs, code := kigo(t, env, "", strings.Fields(line)...)
		if code != 0 || !strings.Contains(out+errs, want) {
			t.Errorf("%s: status %d\n%s%s", line, code, out, errs)
		}
	}
}

func TestConfigIsEditedAndWhatChangedIsShown(t *testing.T) {
	f := newFake(t)
	env := environment(t, f)
	editor := filepath.Join(t.TempDir(), "editor")
	script := "#!/bin/sh\nsed -i -e 's/^LANG=.*/LANG=de/' -e '/^EMPTY/d' \"$2\"\nprintf 'NEW=\"a\\\\nb\"\\n' >>\"$2\"\n"
	if err := os.WriteFile(editor, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	env["VISUAL"] = editor + " --wait"
	out, errs, code := kigo(t, env, "y\n", "config:edit", "-a", "myapp")
	if code != 0 || !strings.Contains(out, "Config Diff:\n- EMPTY=\n- LANG=en\n+ LANG=de\n+ NEW=\"a\\nb\"\n") || !strings.Contains(errs, "Updating config... done") {
		t.Errorf("status %d\n%s%s", code, out, errs)
	}
	out, errs, code = kigo(t, nil, "n\n", "config:edit", "-a", "myapp")
	if code != 0 || strings.Contains(errs, "Updating") {
		t.Errorf("config was changed without a yes: status %d\n%s%s", code, out, errs)
	}
	env["VISUAL"] = "true"
	if _, errs, _ = kigo(t, env, "", "config:edit", "LANG", "-a", "myapp"); !strings.Contains(errs, "no changes to config") {
		t.Error(errs)
	}
	env["VISUAL"] = "false"
	if _, errs, code = kigo(t, env, "", "config:edit", "LANG", "-a", "myapp"); code != 1 || !strings.Contains(errs, "did not end well") {
		t.Errorf("status %d, %s", code, errs)
	}
}

func TestContainerPushBuildsAndPushesWithDocker(t *testing.T) {
	f := newFake(t)
	env := environment(t, f)
	dir, ran := t.TempDir(), filepath.Join(t.TempDir(), "ran")
	write(t, filepath.Join(dir, "Dockerfile"), "FROM scratch\n")
	write(t, filepath.Join(dir, "jobs", "Dockerfile.worker"), "FROM scratch\n")
	program := filepath.Join(t.TempDir(), "docker")
	if err := os.WriteFile(program, []byte("#!/bin/sh\necho \"$@\" >>"+ran+"\ncase $1 in login) cat >>"+ran+"; echo >>"+ran+";; esac\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	env["PATH"] = filepath.Dir(program) + ":" + os.Getenv("PATH")
	t.Chdir(dir)
	for _, line := range []string{"container:login", "container:push web -a myapp --arg A=1,B=2 --no-cache", "container:push -R -a myapp", "container:pull web -a myapp", "container:run web sh -a myapp -p 5001", "container:logout"} {
		if _, errs, code := kigo(t, env, "", strings.Fields(line)...); code != 0 {
			t.Errorf("%s: status %d, %s", line, code, errs)
		}
	}
	got, err := os.ReadFile(ran)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"login --username=_ --password-stdin 127.0.0.1:5000\nHRKU-secret\n", "-t 127.0.0.1:5000/myapp/web ", "--no-cache --build-arg A=1 --build-arg B=2 ", "push 127.0.0.1:5000/myapp/web\n",
		"-t 127.0.0.1:5000/myapp/worker ", "push 127.0.0.1:5000/myapp/worker\n", "pull 127.0.0.1:5000/myapp/web\n", "logout 127.0.0.1:5000\n", "-e PORT=5001 -p 127.0.0.1:5001:5001 127.0.0.1:5000/myapp/web sh\n",
	} {
		if !strings.Contains(string(got), want) {
			t.Errorf("docker was not run with %q:\n%s", want, got)
		}
	}
}
