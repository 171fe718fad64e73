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
	repositories []string // lines of a sources.list
	packages     []string
	archives     []string // https URLs of .deb files
}

var packageName = regexp.MustCompile(`^[a-z0-9][a-z0-9+.:~=_/-]*$`)

// parse reads one entry per line: a package, the URL of a .deb, or a repository
// behind ":repo:". A # starts a comment.
func parse(text []byte) (f aptfile, err error) {
	in := bufio.NewScanner(bytes.NewReader(text))
	for n := 1; in.Scan(); n++ {
		line, _, _ := strings.Cut(in.Text(), " #")
		line = strings.TrimSpace(line)
		repo, isRepo := strings.CutPrefix(line, ":repo:")
		switch {
		case line == "" || line[0] == '#':
		case isRepo:
			f.repositories = append(f.repositories, strings.TrimSpace(repo))
		case strings.HasPrefix(line, "https://") && strings.HasSuffix(line, ".deb"):
			f.archives = append(f.archives, line)
		default:
			for _, name := range strings.Fields(line) {
				if !packageName.MatchString(strings.ToLower(name)) {
					return f, fmt.Errorf("line %d: %q is neither the name of a package, the https:// URL of a .deb nor a repository", n, name)
				}
				f.packages = append(f.packages, name)
			}
		}
	}
	return f, in.Err()
}
