package cli

import "strings"

// quoteConfig writes a config var's value for a shell as `heroku config -s` does.
func quoteConfig(s string) string {
	switch {
	case !strings.ContainsAny(s, "\"#!$&'()*,:;<=>?@[\\]^`{|} \t\n\r\v\f"):
		return s
	case strings.ContainsAny(s, "'\n"):
		return `"` + strings.NewReplacer(`"`, `\"`, `\`, `\\`, `$`, `\$`, "`", "\\`", `!`, `\!`, "\n", `\n`).Replace(s) + `"`
	}
	return "'" + s + "'"
}

// quoteShell writes any text as one word of a POSIX shell.
func quoteShell(s string) string {
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
