package cli

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// configEdit opens the config vars, or one of them, in an editor, shows what was changed and
// sets that.
func configEdit(c *call) error {
	c.begin("Fetching config")
	before, err := c.api.ConfigVars(c, c.app)
	if err := c.ended(err); err != nil {
		return err
	}
	after := maps.Clone(before)
	if key := c.arg(0); key != "" {
		text, err := c.edit(before[key], "config-*")
		if err != nil {
			return err
		}
		if !strings.HasSuffix(before[key], "\n") {
			text = strings.TrimSuffix(text, "\n")
		}
		after[key] = text
	} else {
		var b strings.Builder
		for _, p := range configPairs(before) {
			fmt.Fprintf(&b, "%s=%s\n", p.key, quoteConfig(p.values[0]))
		}
		text, err := c.edit(b.String(), "config-*.sh")
		if err != nil {
			return err
		}
		if after, err = readConfig(text); err != nil {
			return err
		}
	}
	return c.applyConfig(before, after)
}

// applyConfig asks, and sets what differs unless somebody else was faster.
func (c *call) applyConfig(before, after map[string]string) error {
	change := map[string]*string{}
	both := maps.Clone(before)
	maps.Copy(both, after)
	var lines []string
	for _, k := range slices.Sorted(maps.Keys(both)) {
		old, had := before[k]
		now, has := after[k]
		if had == has && old == now {
			continue
		}
		if had {
			lines, change[k] = append(lines, "- "+k+"="+quoteConfig(old)), nil
		}
		if has {
			lines, change[k] = append(lines, "+ "+k+"="+quoteConfig(now)), &now
		}
	}
	if len(change) == 0 {
		c.warn("no changes to config")
		return nil
	}
	c.println("\nConfig Diff:\n%s\n", strings.Join(lines, "\n"))
	fmt.Fprintf(c.err, "Update config on %s with these values? [y/N] ", c.app)
	answer, _ := bufio.NewReader(c.in).ReadString('\n')
	if a := strings.ToLower(strings.TrimSpace(answer)); a != "y" && a != "yes" {
		return nil
	}
	c.begin("Verifying new config")
	latest, err := c.api.ConfigVars(c, c.app)
	if err == nil && !maps.Equal(latest, before) {
		err = sentence("Config changed on server. Refusing to update.")
	}
	if err := c.ended(err); err != nil {
		return err
	}
	c.begin("Updating config")
	_, err = c.api.SetConfigVars(c, c.app, change)
	return c.ended(err)
}

// edit opens text in the user's editor and returns what became of it.
func (c *call) edit(text, name string) (string, error) {
	f, err := os.CreateTemp("", "kigo-"+name)
	if err != nil {
		return "", fmt.Errorf("make file to edit: %w", err)
	}
	defer os.Remove(f.Name())
	_, err = io.WriteString(f, text)
	if err := cmp.Or(err, f.Close()); err != nil {
		return "", fmt.Errorf("write file to edit: %w", err)
	}
	editor := cmp.Or(os.Getenv("VISUAL"), os.Getenv("EDITOR"), "vi")
	cmd := exec.CommandContext(c, "sh", "-c", editor+` "$1"`, "sh", f.Name()) // VISUAL may hold arguments
	cmd.Stdout, cmd.Stderr = c.out, c.err
	if f, ok := c.in.(*os.File); ok { // anything else would be read to its end
		cmd.Stdin = f
	}
	if err := cmd.Run(); err != nil {
		return "", sentence("The editor %s did not end well (%v): nothing was changed.", editor, err)
	}
	b, err := os.ReadFile(f.Name())
	if err != nil {
		return "", fmt.Errorf("read edited file: %w", err)
	}
	return string(b), nil
}

// readConfig reads lines of KEY=VALUE as quoteConfig writes them.
func readConfig(text string) (map[string]string, error) {
	vars := map[string]string{}
	for line := range strings.SplitSeq(text, "\n") {
		if line == "" {
			continue
		}
		k, v, ok := strings.Cut(line, "=")
		if !ok || k == "" {
			return nil, sentence("Invalid line: %s", line)
		}
		vars[k] = unquoteConfig(v)
	}
	return vars, nil
}
