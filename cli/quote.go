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

// unquoteConfig reads what quoteConfig has written.
func unquoteConfig(s string) string {
	if len(s) >= 2 && s[0] == '\'' && s[len(s)-1] == '\'' {
		return s[1 : len(s)-1]
	}
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return s
	}
	var b strings.Builder
	for rest := s[1 : len(s)-1]; rest != ""; rest = rest[1:] {
		if rest[0] == '\\' && len(rest) > 1 {
			rest = rest[1:]
			if rest[0] == 'n' {
				b.WriteByte('\n')
				continue
			}
		}
		b.WriteByte(rest[0])
	}
	return b.String()
}
