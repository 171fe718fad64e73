package stack

import (
	"bufio"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
)

// errNoSources is a machine whose apt knows nothing of the stack's Debian.
var errNoSources = errors.New("no apt sources of Debian " + suite + " in /etc/apt: add a mirror of it there, such as the one that this machine was installed from")

// hostSources is the machine's own apt sources as far as they are of the stack's
// Debian: mirrors, proxies and keys are its administrator's choice. dir is /etc/apt.
func hostSources(dir string) (string, error) {
	paths := []string{filepath.Join(dir, "sources.list")}
	for _, pattern := range []string{"*.list", "*.sources"} {
		more, _ := filepath.Glob(filepath.Join(dir, "sources.list.d", pattern)) // the pattern is well-formed
		paths = append(paths, more...)
	}
	var lines []string
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		if strings.HasSuffix(path, ".sources") {
			lines = append(lines, parseDeb822(string(data))...)
		} else {
			lines = append(lines, parseList(string(data))...)
		}
	}
	if !slices.ContainsFunc(lines, func(l string) bool { return strings.Contains(l, " "+suite+" ") }) {
		return "", errNoSources
	}
	return strings.Join(lines, "\n") + "\n", nil
}

// wanted reports whether a suite is one of the stack's Debian, and not of a third
// party that is named after it.
func wanted(s string) bool {
	return s == suite || s == suite+"-updates" || s == suite+"-security"
}

// parseList keeps the lines of a sources.list that are of the stack's Debian.
func parseList(text string) []string {
	var keep []string
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(strings.TrimRight(line, "\r\n"), "#")
		if strings.ContainsFunc(line, func(r rune) bool { return unicode.IsControl(r) && r != '\t' }) {
			continue
		}
		fields := strings.Fields(line)
		if len(fields) == 0 || fields[0] != "deb" {
			continue
		}
		rest := strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "deb"))
		if strings.HasPrefix(rest, "[") {
			_, rest, _ = strings.Cut(rest, "]")
		}
		fields = strings.Fields(rest)
		if len(fields) >= 3 && wanted(fields[1]) && slices.Contains(fields[2:], "main") {
			keep = append(keep, strings.TrimSpace(line))
		}
	}
	return keep
}

// parseDeb822 turns the stanzas of a .sources file that are of the stack's Debian
// into lines of a sources.list.
func parseDeb822(text string) []string {
	var keep []string
	for _, stanza := range stanzas(text) {
		if strings.EqualFold(stanza["enabled"], "no") || !slices.Contains(strings.Fields(stanza["types"]), "deb") {
			continue
		}
		components := strings.Fields(stanza["components"])
		if !slices.Contains(components, "main") {
			continue
		}
		options := ""
		// A key that stands in the file itself is no path; Debian's own needs none.
		if key := stanza["signed-by"]; strings.HasPrefix(key, "/") && len(strings.Fields(key)) == 1 {
			options = "[signed-by=" + key + "] "
		}
		for _, uri := range strings.Fields(stanza["uris"]) {
			for _, s := range strings.Fields(stanza["suites"]) {
				if wanted(s) {
					keep = append(keep, "deb "+options+uri+" "+s+" "+strings.Join(components, " "))
				}
			}
		}
	}
	return keep
}

// stanzas splits deb822 text into its paragraphs of fields, by lower-case name;
// a line that begins with a space continues the field before it.
func stanzas(text string) []map[string]string {
	var all []map[string]string
	current, field := map[string]string{}, ""
	end := func() {
		if len(current) > 0 {
			all = append(all, current)
		}
		current, field = map[string]string{}, ""
	}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		switch {
		case strings.TrimSpace(line) == "":
			end()
		case line[0] == '#':
		case line[0] == ' ' || line[0] == '\t':
			if field != "" {
				current[field] += "\n" + strings.TrimSpace(line)
			}
		default:
			name, value, ok := strings.Cut(line, ":")
			if !ok {
				continue
			}
			field = strings.ToLower(strings.TrimSpace(name))
			current[field] = strings.TrimSpace(value)
		}
	}
	end()
	return all
}

// aptSettings picks from `apt-config dump` how the machine reaches its mirrors:
// proxies, certificates, retries. They are for the building only.
func aptSettings(dump string) []string {
	var keep []string
	lines := bufio.NewScanner(strings.NewReader(dump))
	for lines.Scan() {
		line := lines.Text()
		name, value, ok := strings.Cut(line, " ")
		lower := strings.ToLower(name)
		if !ok || strings.HasSuffix(name, "::") || value == `"";` {
			continue
		}
		for _, prefix := range []string{"acquire::http::", "acquire::https::", "acquire::retries"} {
			if strings.HasPrefix(lower, prefix) {
				keep = append(keep, line)
				break
			}
		}
	}
	return keep
}
