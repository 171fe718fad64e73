package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"
)

// The scripts in official are the table of the official CLI's commands: a row is a
// comment that names a command of commands.txt as `#: COMMAND`, the command line
// that it stands for with the exit status it must have, what it must say, and what
// it must have changed, asked of the API:
//
//	#: maintenance:on
//	row 0 maintenance:on -a $APP
//	stderr 'Enabling maintenance mode for .*done'
//	api GET /apps/$APP
//	stdout '"maintenance":true'

// TestEveryOfficialCommandHasARow holds that the scripts have a row for each
// command of the list and no other, and that each row looks at what came of it.
func TestEveryOfficialCommandHasARow(t *testing.T) {
	list, err := os.ReadFile(filepath.Join("official", "commands.txt"))
	if err != nil {
		t.Fatal(err)
	}
	rows := officialRows(t)
	for line := range strings.Lines(string(list)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		row, found := rows[line]
		if !found {
			t.Errorf("no script has a row for %q", line)
			continue
		}
		delete(rows, line)
		command, _, _ := strings.Cut(line, " ")
		if !regexp.MustCompile(`(?m)^(row \d+ |.*\bheroku )` + regexp.QuoteMeta(command) + `([ ']|$)`).MatchString(row.lines) {
			t.Errorf("%s: the row of %q does not run it:\n%s", row.script, line, row.lines)
		}
		if row.looks == 0 {
			t.Errorf("%s: the row of %q looks at nothing that came of it", row.script, line)
		}
	}
	for command, row := range rows {
		t.Errorf("%s: the row %q is not in the list", row.script, command)
	}
}

// officialRow is a row as its script writes it.
type officialRow struct {
	script, lines string
	looks         int // lines that look at the outcome
}

var looks = regexp.MustCompile(`^(! )?(stdout|stderr|api|retry|exists|cmp|grep) `)

// officialRows reads the rows of all scripts, by the command they stand for.
func officialRows(t *testing.T) map[string]*officialRow {
	t.Helper()
	scripts, err := filepath.Glob("official/*.txtar")
	if err != nil || len(scripts) == 0 {
		t.Fatal(scripts, err)
	}
	rows := map[string]*officialRow{}
	for _, script := range scripts {
		b, err := os.ReadFile(script)
		if err != nil {
			t.Fatal(err)
		}
		var row *officialRow
		for line := range strings.Lines(string(b)) {
			line = strings.TrimSpace(line)
			command, begins := strings.CutPrefix(line, "#: ")
			switch {
			case begins && rows[command] != nil:
				t.Errorf("%s: a second row of %q", script, command)
			case begins:
				row = &officialRow{script: script}
				rows[command] = row
			case strings.HasPrefix(line, "-- "):
				row = nil
			case row != nil:
				row.lines += line + "\n"
				if looks.MatchString(line) {
					row.looks++
				}
			}
		}
	}
	return rows
}

// rowLimit bounds a command.
const rowLimit = 2 * time.Minute

// official is the official CLI in one process for all rows of a script
// (official/driver.cjs): it starts with the first row.
type official struct {
	s        *server
	env      []string
	dir      string
	cmd      *exec.Cmd
	ask      *os.File
	answers  chan string // exit statuses; closed when the process has ended
	out, err string      // files
}

const officialKey = "official"

// row is the command row STATUS ARGUMENT...: it runs the official CLI and checks
// its exit status.
func row(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: row STATUS COMMAND [ARGUMENT...]")
	}
	o, ok := ts.Value(officialKey).(*official)
	if !ok {
		ts.Fatalf("the script has no official CLI")
	}
	status, out, errs := o.heroku(ts, args[1:])
	fmt.Fprint(ts.Stdout(), out)
	fmt.Fprint(ts.Stderr(), errs)
	check(ts, false, nil)
	if status != args[0] {
		ts.Fatalf("exit status %s, not %s", status, args[0])
	}
}

// both is the command both ARGUMENT...: kigo says the same as the official CLI, to the
// byte, with the same exit status.
func both(ts *testscript.TestScript, neg bool, args []string) {
	o, ok := ts.Value(officialKey).(*official)
	if neg || len(args) == 0 || !ok {
		ts.Fatalf("usage: both COMMAND [ARGUMENT...]")
	}
	status, want, errs := o.heroku(ts, args)
	cmd := exec.Command(filepath.Join(o.s.root, "bin", "kigo"), args...)
	cmd.Env, cmd.Dir = environment(ts), ts.MkAbs(".")
	var said bytes.Buffer
	cmd.Stderr = &said
	got, err := cmd.Output()
	if exit := new(exec.ExitError); err != nil && !errors.As(err, &exit) {
		ts.Check(err)
	}
	if has := strconv.Itoa(cmd.ProcessState.ExitCode()); has != status {
		ts.Fatalf("heroku ends with %s and kigo with %s:\n%s\n%s", status, has, errs, said.String())
	}
	if args[0] == "releases:info" {
		got = regexp.MustCompile(`(?m)^Slug Size: .*\n`).ReplaceAll(got, nil) // a line of kigo's own
	}
	if diff := cmp.Diff(calm(want), calm(string(got))); diff != "" {
		ts.Fatalf("heroku (-) and kigo (+) differ:\n%s", diff)
	}
	check(ts, false, nil)
}

// calm takes out what moves between one command and the next.
func calm(text string) string {
	text = regexp.MustCompile(`\(~ \d+[smh] ago\)`).ReplaceAllString(text, "(AGO)")
	text = regexp.MustCompile(`\bkigo (certs|config|logs|releases|rollback)`).ReplaceAllString(text, "heroku $1") // each names itself
	text = regexp.MustCompile(`less than a minute ago|\d+ minutes? ago`).ReplaceAllString(text, "AGO")
	text = regexp.MustCompile(`─+`).ReplaceAllString(text, "─") // as wide as its table, which an age of 10s widens
	return regexp.MustCompile(`[ \t]+\n`).ReplaceAllString(text, "\n")
}

func TestAnAgeThatGrowsBetweenTwoCommandsIsNoDifference(t *testing.T) {
	table := func(age string) string {
		row := "  v1   Initial release   DATE (~ " + age + " ago)"
		return "  v    description       created_at\n " + strings.Repeat("─", len(row)) + "\n" + row + "\n"
	}
	if diff := cmp.Diff(calm(table("9s")), calm(table("10s"))); diff != "" {
		t.Error(diff)
	}
}

// heroku runs one command and returns all that it said.
func (o *official) heroku(ts *testscript.TestScript, args []string) (status, out, errs string) {
	for range 5 {
		if status, out, errs = o.once(ts, args); !strings.Contains(errs, tookExitForOutput) {
			break
		}
	}
	return status, out, errs
}

func (o *official) once(ts *testscript.TestScript, args []string) (status, out, errs string) {
	status, err := o.run(ts, args)
	ts.Check(err)
	texts := map[string]*string{o.out: &out, o.err: &errs}
	for file, text := range texts {
		b, err := os.ReadFile(file)
		ts.Check(err)
		*text = string(b)
		ts.Check(os.Truncate(file, 0))
	}
	return status, out, errs
}

// tookExitForOutput is what the official CLI says when it has read git's exit status, 0,
// before git's output, and takes it for a commit (lib/ci/git.js, runGit). It has asked nothing yet.
const tookExitForOutput = "Error while running 'git log 0 -1 "

// told are the variables that a script may set for its rows.
var told = []string{"HEROKU_API_KEY", "HEROKU_APP", "HEROKU_ORGANIZATION", "EDITOR", "BROWSER", "PATH"}

func (o *official) run(ts *testscript.TestScript, args []string) (status string, err error) {
	if o.cmd == nil {
		if err := o.start(); err != nil {
			return "", err
		}
	}
	env := map[string]string{}
	for _, name := range told {
		if value := ts.Getenv(name); value != "" {
			env[name] = value
		}
	}
	line, err := json.Marshal(map[string]any{"args": args, "dir": ts.MkAbs("."), "env": env})
	if err != nil {
		return "", err
	}
	if _, err := o.ask.Write(append(line, '\n')); err != nil {
		return "", err
	}
	select {
	case status, ok := <-o.answers:
		if !ok {
			b, _ := os.ReadFile(o.err)
			return "", fmt.Errorf("the official CLI's process ended: %s", b)
		}
		return status, nil
	case <-time.After(rowLimit):
		out, _ := os.ReadFile(o.out)
		errs, _ := os.ReadFile(o.err)
		return "", fmt.Errorf("heroku %s did not end within two minutes, and said:\n%s%s", strings.Join(args, " "), out, errs)
	}
}

func (o *official) start() error {
	o.out, o.err = filepath.Join(o.dir, ".official.out"), filepath.Join(o.dir, ".official.err")
	var files []*os.File
	for _, name := range []string{o.out, o.err} {
		f, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		files = append(files, f)
	}
	theirs, ours, err := os.Pipe()
	if err != nil {
		return err
	}
	results, says, err := os.Pipe()
	if err != nil {
		return err
	}
	o.ask, o.answers = ours, make(chan string)
	o.cmd = exec.Command(filepath.Join(o.s.root, ".cache", "bin", "node"), "--no-deprecation", filepath.Join(o.s.root, "e2e", "official", "driver.cjs"))
	// Messages are wrapped at a width; the CLI is as its own start script has it.
	o.cmd.Env = append(o.env, "OCLIF_COLUMNS=400", "HEROKU_PROGRAM="+filepath.Join(o.s.root, ".cache", "heroku-cli", "node_modules", "heroku", "bin", "run.js"))
	o.cmd.Dir, o.cmd.Stdout, o.cmd.Stderr = o.dir, files[0], files[1]
	o.cmd.ExtraFiles = []*os.File{theirs, says}
	if err := o.cmd.Start(); err != nil {
		return err
	}
	for _, f := range append(files, theirs, says) {
		f.Close()
	}
	go func() {
		defer close(o.answers)
		for lines := bufio.NewScanner(results); lines.Scan(); {
			o.answers <- lines.Text()
		}
	}()
	return nil
}

func (o *official) stop() {
	if o.cmd == nil {
		return
	}
	o.ask.Close()
	_ = o.cmd.Process.Kill()
	_ = o.cmd.Wait()
}

// apiCommand is the command api METHOD PATH [BODY], as whoever $HEROKU_API_KEY is:
// its output is the answer, without white space. An error is expected with ! only.
func apiCommand(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 || len(args) > 3 {
		ts.Fatalf("usage: api METHOD PATH [BODY]")
	}
	status, answer := ask(ts, args)
	fmt.Fprintf(ts.Stdout(), "%s\n", answer)
	var err error
	if status >= 400 {
		err = fmt.Errorf("%d: %s", status, answer)
	}
	check(ts, neg, err)
}

// let is the command let NAME JQ METHOD PATH [BODY]: it sets a variable to what jq
// makes of the API's answer.
func let(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 4 || len(args) > 5 {
		ts.Fatalf("usage: let NAME JQ METHOD PATH [BODY]")
	}
	_, answer := ask(ts, args[2:])
	cmd := exec.Command("jq", "-er", args[1])
	cmd.Stdin = bytes.NewReader(answer)
	out, err := cmd.CombinedOutput()
	if err != nil {
		ts.Fatalf("jq %s makes %q of %s", args[1], out, answer)
	}
	ts.Setenv(args[0], strings.TrimSpace(string(out)))
}

// ask sends METHOD PATH [BODY].
func ask(ts *testscript.TestScript, args []string) (status int, answer []byte) {
	body := ""
	if len(args) == 3 {
		body = args[2]
	}
	req, err := http.NewRequest(args[0], ts.Getenv("HEROKU_HOST")+args[1], strings.NewReader(body))
	ts.Check(err)
	req.Header.Set("Authorization", "Bearer "+ts.Getenv("HEROKU_API_KEY"))
	req.Header.Set("Accept", "application/vnd.heroku+json; version=3.sdk")
	req.Header.Set("Content-Type", "application/json")
	resp, err := (&http.Client{Timeout: rowLimit}).Do(req)
	ts.Check(err)
	defer resp.Body.Close()
	answer, err = io.ReadAll(resp.Body)
	ts.Check(err)
	var compact bytes.Buffer
	if json.Compact(&compact, answer) == nil {
		answer = compact.Bytes()
	}
	return resp.StatusCode, answer
}
