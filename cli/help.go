package cli

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// help lists topics, or says how one command is used.
func (t *terminal) help(args []string) int {
	if name := strings.Join(args, ":"); name != "" {
		if cmd, ok := find(name); ok {
			t.helpOn(cmd)
			return 0
		}
		if t.helpOnTopic(name) {
			return 0
		}
		return t.unknown(name)
	}
	t.println("Kigo: your own platform for apps. The commands are those of the Heroku CLI.\n\nUSAGE\n  $ kigo COMMAND [-a APP]\n\nON A SERVER\n  server               run a server\n  stack:build          make the image that dynos run on\n\nCOMMANDS")
	width := 0
	for _, c := range commands {
		width = max(width, len(c.name))
	}
	for _, c := range commands {
		t.println("  %-*s %s", width, c.name, c.short)
	}
	t.println("\nkigo help COMMAND says more about one of them.")
	return 0
}

func (t *terminal) helpOn(cmd command) {
	t.println("%s\n\nUSAGE\n  $ kigo %s", cmd.short, strings.TrimSpace(cmd.name+" "+cmd.args))
	c, err := parse(cmd, nil)
	if err == nil && c.flags.HasFlags() {
		t.println("\nFLAGS")
		c.flags.VisitAll(func(f *pflag.Flag) {
			name := "--" + f.Name
			if f.Shorthand != "" {
				name = "-" + f.Shorthand + ", " + name
			}
			if f.NoOptDefVal == "" {
				name += "=<value>"
			}
			t.println("  %-26s %s", name, f.Usage)
		})
	}
	if len(cmd.aliases) > 0 {
		t.println("\nALIASES\n  $ kigo %s", strings.Join(cmd.aliases, "\n  $ kigo "))
	}
	if more := below(cmd.name); len(more) > 0 {
		t.println("\nCOMMANDS\n%s", strings.Join(more, "\n"))
	}
}

// helpOnTopic lists the commands below a word that is none itself; false: there are none.
func (t *terminal) helpOnTopic(name string) bool {
	more := below(name)
	if _, not := refused(name); not {
		return false
	}
	if len(more) > 0 {
		t.println("USAGE\n  $ kigo %s:COMMAND\n\nCOMMANDS\n%s", name, strings.Join(more, "\n"))
	}
	return len(more) > 0
}

// below are the commands whose names begin with another, in lines.
func below(name string) (lines []string) {
	for _, c := range commands {
		if strings.HasPrefix(c.name, name+":") {
			lines = append(lines, fmt.Sprintf("  %-26s %s", c.name, c.short))
		}
	}
	return lines
}

// commandList lists every command with what it does.
func commandList(c *call) error {
	type row struct {
		ID          string   `json:"id"`
		Aliases     []string `json:"aliases"`
		Args        string   `json:"args"`
		Description string   `json:"description"`
	}
	rows := make([]row, len(commands))
	var cells [][]string
	for i, cmd := range commands {
		rows[i] = row{cmd.name, append([]string{}, cmd.aliases...), cmd.args, cmd.short}
		cells = append(cells, []string{cmd.name, cmd.short})
	}
	if c.is("json") {
		return c.json(rows)
	}
	c.table([]string{"ID", "Summary"}, cells)
	return nil
}

// unknown says that there is no such command and which one may have been meant.
func (t *terminal) unknown(name string) int {
	if why, ok := refused(name); ok {
		return t.fail(usage(1, "%s is not done here. %s", name, why))
	}
	t.warn("%s is not a kigo command.", name)
	text := "Run kigo help for a list of available commands."
	if near := nearest(name); near != "" {
		text = "Did you mean " + near + "? " + text
	}
	fmt.Fprint(t.err, bullet("Error: "+text))
	return 127
}

// nearestFlag is the flag that takes the fewest changes to reach, if few.
func nearestFlag(fs *pflag.FlagSet, name string) string {
	best, least := "", max(1, len(name)/3)+1
	fs.VisitAll(func(f *pflag.Flag) {
		if d := distance(name, f.Name); d < least && len(name) > 1 {
			best, least = f.Name, d
		}
	})
	return best
}

// nearest is the command whose name takes the fewest changes to reach, if few.
func nearest(name string) string {
	var names []string
	for _, c := range commands {
		names = append(append(names, c.name), c.aliases...)
	}
	best := slices.MinFunc(names, func(a, b string) int { return cmp.Compare(distance(name, a), distance(name, b)) })
	if distance(name, best) > max(1, len(name)/3) {
		return ""
	}
	return best
}

// distance is how many letters must be inserted, removed or replaced.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			above := row[j+1]
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			row[j+1] = min(cost, above+1, row[j]+1)
			diagonal = above
		}
	}
	return row[len(b)]
}
