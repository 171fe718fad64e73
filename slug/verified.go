package slug

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kigo-dev/kigo/internal/atomicfile"
)

// verifiedName is the file of digests that were checked since the machine's boot,
// whose id is its first line. It is a cache: without it images are read once more.
const verifiedName = "verified"

func (s *Store) remembered(digest string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.load()
	return s.verified[digest]
}

func (s *Store) remember(digest string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.load()
	if s.verified[digest] {
		return
	}
	s.verified[digest] = true
	lines := []string{bootID()}
	for d := range s.verified {
		lines = append(lines, d)
	}
	slices.Sort(lines[1:])
	// A failure here costs one more check after a restart, and nothing else.
	_ = atomicfile.Write(filepath.Join(s.Dir, verifiedName), []byte(strings.Join(lines, "\n")+"\n"), 0o600)
}

func (s *Store) load() {
	if s.verified != nil {
		return
	}
	s.verified = map[string]bool{}
	data, err := os.ReadFile(filepath.Join(s.Dir, verifiedName))
	if err != nil {
		return
	}
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	if boot := bootID(); boot == "" || lines[0] != boot {
		return
	}
	for _, digest := range lines[1:] {
		if s.Has(digest) {
			s.verified[digest] = true
		}
	}
}

// bootID names the present run of the machine's kernel.
func bootID() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(id))
}
