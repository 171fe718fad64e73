package apt

import (
	"bufio"
	"bytes"
	"fmt"
	"regexp"
	"strings"
)

// aptfile is what an Aptfile asks for.
type aptfile struct {
	repositories []string   // lines of a sources.list
	packages     [][]string // each with what will do in its place: "a | b"
	archives     []string   // https URLs of .deb files
}

func (f aptfile) empty() bool { return len(f.packages) == 0 && len(f.archives) == 0 }

var (
	packageName = regexp.MustCompile(`^[a-z0-9][a-z0-9+.:~=_/*-]*$`)
	bar         = regexp.MustCompile(`\s*\|\s*`)
)

// parse reads one entry per line: packages, the URL of a .deb, or a repository
// behind ":repo:". A package may be "NAME=VERSION", "NAME/RELEASE", "NAME:ARCHITECTURE"
// or a pattern, as for apt-get, or several with bars between. A # starts a comment.
func parse(text []byte) (f aptfile, err error) {
	in := bufio.NewScanner(bytes.NewReader(text))
	for n := 1; in.Scan(); n++ {
		line, _, _ := strings.Cut(in.Text(), " #")
		line = strings.TrimSpace(line)
		repo, isRepo := strings.CutPrefix(line, ":repo:")
		switch repo = strings.TrimSpace(repo); {
		case line == "" || line[0] == '#':
		case isRepo:
			if !strings.HasPrefix(repo, "deb ") && !strings.HasPrefix(repo, "deb-src ") {
				return f, fmt.Errorf("line %d: %q is not a repository: write it as in a sources.list, such as :repo:deb https://apt.example.com/ stable main", n, repo)
			}
			f.repositories = append(f.repositories, repo)
		case strings.HasPrefix(line, "https://") && strings.HasSuffix(line, ".deb"):
			f.archives = append(f.archives, line)
		default:
			for _, names := range strings.Fields(bar.ReplaceAllString(line, "|")) {
				wanted := strings.Split(names, "|")
				for _, name := range wanted {
					if !packageName.MatchString(strings.ToLower(name)) || strings.Contains(name, "//") {
						return f, fmt.Errorf("line %d: %q is neither the name of a package, the https:// URL of a .deb nor a repository", n, name)
					}
				}
				f.packages = append(f.packages, wanted)
			}
		}
	}
	return f, in.Err()
}
