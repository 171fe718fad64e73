package cli

import (
	"bufio"
	"bytes"
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// git runs git in the present folder, or in c.folder, and returns what it says.
func (c *call) git(args ...string) (string, error) {
	cmd := exec.CommandContext(c, "git", args...)
	cmd.Dir = c.folder
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("git %s: %w: %s", args[0], err, strings.TrimSpace(errs.String()))
	}
	return strings.TrimSpace(out.String()), nil
}

func (c *call) inRepository() bool {
	_, err := c.git("rev-parse", "--git-dir")
	return err == nil
}

// remote is a git remote that leads to an app of this server.
type remote struct{ name, app string }

func (c *call) remotes() []remote {
	out, err := c.git("remote", "-v")
	if err != nil {
		return nil
	}
	var found []remote
	for line := range strings.SplitSeq(out, "\n") {
		f := strings.Fields(line)
		if len(f) < 2 {
			continue
		}
		path, ok := strings.CutPrefix(f[1], "https://"+c.env.Git+"/")
		if app, isGit := strings.CutSuffix(path, ".git"); ok && isGit {
			if r := (remote{f[0], app}); !slices.Contains(found, r) {
				found = append(found, r)
			}
		}
	}
	return found
}

// findApp resolves the app: the flag, then the environment, then the remotes of
// the git repository in this folder.
func (c *call) findApp() (string, error) {
	for _, name := range []string{c.str("app"), os.Getenv("KIGO_APP"), os.Getenv("HEROKU_APP")} {
		if name != "" {
			return name, nil
		}
	}
	want := c.str("remote")
	found := c.remotes()
	if want == "" && len(found) > 1 {
		if i := slices.IndexFunc(found, func(r remote) bool { return r.name == "heroku" }); i >= 0 {
			want = "heroku"
		}
	}
	apps := []string{}
	for _, r := range found {
		if (want == "" || r.name == want) && !slices.Contains(apps, r.app) {
			apps = append(apps, r.app)
		}
	}
	switch {
	case len(apps) == 1:
		return apps[0], nil
	case c.cmd.app == maybeApp:
		return "", nil
	case want != "":
		return "", usage(2, "remote %s not found in git remotes\nUsage: --app or --remote", want)
	case len(apps) > 1:
		return "", usage(2, "Multiple apps in git remotes\nUsage: --remote %s\n   or: --app %s\nYour local git repository has more than 1 app referenced in git remotes.\nBecause of this, we can't determine which app you want to run this command against.\nSpecify the app you want with --app or --remote.", found[0].name, found[0].app)
	}
	return "", usage(2, "The following error occurred:\n  Missing required flag app\nSee more help with --help")
}

// addRemote points the repository in this folder at an app, so that plain git
// pushes there without a password prompt and trusts the server's certificate.
func (c *call) addRemote(name, app string) error {
	url := c.env.gitURL(app)
	if out, _ := c.git("remote"); !slices.Contains(strings.Fields(out), name) {
		if _, err := c.git("remote", "add", name, url); err != nil {
			return err
		}
	}
	return c.configureGit()
}

// configureGit makes git ask us for the password of the server's git host.
func (c *call) configureGit() error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	host := "https://" + c.env.Git
	if _, err := c.git("config", "--replace-all", "credential."+host+".helper", "!"+quoteShell(self)+" git:credentials"); err != nil {
		return err
	}
	if c.env.CA == "" {
		return nil
	}
	_, err = c.git("config", "http."+host+".sslCAInfo", c.env.CA)
	return err
}

func gitRemote(c *call) error {
	name := c.app
	if name == "" {
		name = c.arg(0)
	}
	if name == "" {
		return usage(2, "Specify an app with --app")
	}
	app, err := c.api.App(c, name)
	if err != nil {
		return err
	}
	remote := c.str("remote")
	if remote == "" {
		remote = "heroku"
	}
	url := c.env.gitURL(app.Name)
	verb := "add"
	if out, _ := c.git("remote"); slices.Contains(strings.Fields(out), remote) {
		verb = "set-url"
	}
	if _, err := c.git("remote", verb, remote, url); err != nil {
		return err
	}
	c.println("set git remote %s to %s", remote, url)
	return c.configureGit()
}

// gitCredentials speaks git's credential helper protocol.
func gitCredentials(c *call) error {
	if c.arg(0) != "get" { // store and erase: nothing of ours to do
		return nil
	}
	asked := make(map[string]string)
	for in := bufio.NewScanner(c.in); in.Scan() && strings.TrimSpace(in.Text()) != ""; {
		key, value, _ := strings.Cut(in.Text(), "=")
		asked[key] = value
	}
	if asked["protocol"] != "https" || asked["host"] != c.env.Git {
		return nil
	}
	if c.env.token == "" {
		return fmt.Errorf("not logged in")
	}
	c.println("protocol=https\nhost=%s\nusername=heroku\npassword=%s", c.env.Git, c.env.token)
	return nil
}

// gitClone clones an app's repository and points a remote at it.
func gitClone(c *call) error {
	app, err := c.api.App(c, c.app)
	if err != nil {
		return err
	}
	folder, remote := cmp.Or(c.arg(0), app.Name), cmp.Or(c.str("remote"), "heroku")
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	host := "https://" + c.env.Git
	args := []string{"-c", "credential." + host + ".helper=!" + quoteShell(self) + " git:credentials"}
	if c.env.CA != "" {
		args = append(args, "-c", "http."+host+".sslCAInfo="+c.env.CA)
	}
	cmd := exec.CommandContext(c, "git", append(args, "clone", "-o", remote, "--end-of-options", c.env.gitURL(app.Name), folder)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = c.in, c.out, c.err
	if err := cmd.Run(); err != nil {
		return sentence("git clone of %s failed: %v", app.Name, err)
	}
	c.folder = folder
	return c.configureGit()
}
