package cli

import (
	"context"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/kigo-dev/kigo/client"
)

// completions are what each shell reads; the words themselves come from `kigo complete`.
var completions = map[string]string{
	"bash": `# kigo's completion for bash: source <(kigo completion bash)
_kigo() {
  local words cur=${COMP_LINE:0:COMP_POINT} # COMP_WORDS would divide config:set at its colon
  read -ra words <<<"$cur"
  [[ $cur == *[[:space:]] ]] && words+=("")
  local last=${words[-1]} candidate
  COMPREPLY=()
  while IFS= read -r candidate; do
    COMPREPLY+=("${candidate#"${last%"${last##*[:=]}"}"}")
  done < <(kigo complete -- "${words[@]:1}" 2>/dev/null | cut -f1)
}
complete -F _kigo kigo
`,
	"zsh": `#compdef kigo
# kigo's completion for zsh: source <(kigo completion zsh), after compinit
_kigo() {
  local -a words_before candidates
  words_before=("${(@)words[2,CURRENT]}")
  candidates=("${(@f)$(kigo complete -- "${words_before[@]}" 2>/dev/null | cut -f1)}")
  compadd -Q -- "${candidates[@]}"
}
compdef _kigo kigo
`,
	"fish": `# kigo's completion for fish: kigo completion fish | source
complete --command kigo --no-files --arguments '(kigo complete -- (commandline --tokenize --cut-at-cursor --current-process)[2..] (commandline --cut-at-cursor --current-token))'
`,
}

// completion prints what a shell needs.
func completion(c *call) error {
	script, ok := completions[c.arg(0)]
	if !ok {
		return usage(2, "%q is not a shell that kigo knows: say bash, zsh or fish", c.arg(0))
	}
	_, err := io.WriteString(c.out, script)
	return err
}

// completeLimit bounds how long a shell waits for names of apps. Tests have more time.
var completeLimit = 2 * time.Second

// complete prints, a line each, what the last of the given words may become, with
// a tab and what it is.
func complete(c *call) error {
	words := c.args
	if len(words) > 0 && words[0] == "--" {
		words = words[1:]
	}
	if len(words) == 0 {
		words = []string{""}
	}
	before, last := words[:len(words)-1], words[len(words)-1]
	for _, candidate := range c.candidates(before, last) {
		if strings.HasPrefix(candidate, last) {
			c.println("%s", candidate)
		}
	}
	return nil
}

func (c *call) candidates(before []string, last string) (out []string) {
	name, rest := split(before)
	cmd, ok := find(name)
	switch {
	case len(before) == 0 || name == "help":
		return commandWords()
	case !ok:
		return nil
	}
	parsed, err := parse(cmd, nil)
	if err != nil {
		return nil
	}
	if len(rest) > 0 {
		if f := valued(parsed.flags, rest[len(rest)-1]); f != nil {
			return c.flagWords(f.Name)
		}
	}
	if !strings.HasPrefix(last, "-") {
		return c.argumentWords(cmd)
	}
	parsed.flags.VisitAll(func(f *pflag.Flag) { out = append(out, "--"+f.Name+"\t"+f.Usage) })
	return out
}

// valued is the flag that a word is, if a value must follow it.
func valued(fs *pflag.FlagSet, word string) *pflag.Flag {
	var f *pflag.Flag
	if name, long := strings.CutPrefix(word, "--"); long {
		f = fs.Lookup(name)
	} else if name, short := strings.CutPrefix(word, "-"); short && len(name) == 1 {
		f = fs.ShorthandLookup(name)
	}
	if f == nil || f.NoOptDefVal != "" {
		return nil
	}
	return f
}

// flagValues are what flags take that know only some words.
var flagValues = map[string][]string{
	"stage": stages, "role": {"admin", "collaborator", "member", "viewer"}, "level": {"notify", "sync"}, "transport": {"grpc", "http"},
	"permissions": {"deploy", "manage", "operate", "view"}, "scope": {"global", "identity", "read", "read-protected", "write", "write-protected"},
	"status": {"failed", "pending", "retrying", "scheduled", "succeeded"}, "signals": {"all", "logs", "metrics", "traces"}, "source": {"app", "heroku"},
}

// flagWords are what may stand behind a flag.
func (c *call) flagWords(flag string) []string {
	switch flag {
	case "app", "to":
		return c.appNames()
	case "team":
		return names(c, func(t client.Team) string { return t.Name }, "teams")
	case "pipeline":
		return names(c, func(p client.Pipeline) string { return p.Name }, "pipelines")
	}
	return flagValues[flag]
}

// argumentWords are what may stand where a command wants an argument.
func (c *call) argumentWords(cmd command) []string {
	switch {
	case cmd.name == "completion":
		return []string{"bash", "fish", "zsh"}
	case strings.HasPrefix(cmd.args, "[APP]"), strings.HasPrefix(cmd.args, "APP1"):
		return c.appNames()
	case strings.HasPrefix(cmd.args, "PIPELINE"):
		return c.flagWords("pipeline")
	case cmd.args == "RECIPIENT", cmd.args == "OWNER":
		return c.flagWords("team")
	}
	return nil
}

func commandWords() (out []string) {
	for _, cmd := range commands {
		out = append(out, cmd.name+"\t"+cmd.short)
		for _, a := range cmd.aliases {
			out = append(out, a+"\t"+cmd.short)
		}
	}
	slices.Sort(out)
	return out
}

// appNames asks the server; one that does not answer soon completes nothing.
func (c *call) appNames() []string {
	return names(c, func(a client.App) string { return a.Name }, "apps")
}

// names are those of a list of the server's, which has a moment to answer.
func names[T any](c *call, name func(T) string, segments ...string) (out []string) {
	if c.env.token == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(c, completeLimit)
	defer cancel()
	list, err := client.All[T](ctx, c.api, client.Path(segments...))
	if err != nil {
		return nil
	}
	for _, one := range list {
		out = append(out, name(one))
	}
	slices.Sort(out)
	return out
}
