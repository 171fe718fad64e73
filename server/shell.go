package server

import (
	"fmt"
	"path/filepath"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/internal/atomicfile"
)

// shellSettings stand in for Debian's own: the prompt is Heroku's. A shell that is
// not interactive, as every dyno begins, drops the PS1 of the environment.
const shellSettings = `# Settings of every interactive shell.
shopt -s checkwinsize
PS1='\[\033[01;34m\]\w\[\033[00m\] \[\033[01;32m\]$ \[\033[00m\]'
`

// shellBinds write the settings below dir and bring them into dynos.
func shellBinds(dir string) ([]kigo.Bind, error) {
	path := filepath.Join(dir, "bash.bashrc")
	if err := atomicfile.Write(path, []byte(shellSettings), 0o644); err != nil {
		return nil, fmt.Errorf("write shell settings: %w", err)
	}
	return []kigo.Bind{{Source: path, Target: "/etc/bash.bashrc"}}, nil
}
