package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"
)

// manualHead and manualFoot are what no table knows. The page is mdoc(7).
const manualHead = `.Dd $Mdocdate$
.Dt KIGO 1
.Os Kigo
.Sh NAME
.Nm kigo
.Nd a platform for apps of your own, with the commands of the Heroku CLI
.Sh SYNOPSIS
.Nm kigo
.Ar COMMAND
.Op Fl a Ar APP
.Op Ar ARGUMENT ...
.Nm kigo server
.Op Ar FLAG ...
.Sh DESCRIPTION
.Nm
deploys apps by
.Xr git 1 ,
runs them, scales them and shows their logs.
It speaks to a server that
.Nm kigo server
runs, on this machine or elsewhere:
.Nm kigo login
keeps where it is and who you are.
A command that is about an app takes the app from
.Fl a ,
from the environment, or from the git remotes of the present folder.
.Sh COMMANDS
`

const manualFoot = `.Sh ENVIRONMENT
.Bl -tag -width Ds
.It Ev KIGO_HOST , HEROKU_HOST
address of the server
.It Ev KIGO_API_KEY , HEROKU_API_KEY
token, instead of the one that
.Nm kigo login
has kept
.It Ev KIGO_APP , HEROKU_APP
the app that commands are about
.It Ev KIGO_CA , NODE_EXTRA_CA_CERTS
file of certificates to trust besides the machine's
.El
.Sh FILES
.Bl -tag -width Ds
.It Pa ~/.config/kigo/credentials.json
what
.Nm kigo login
has kept
.El
.Sh EXIT STATUS
0 when all went well, 1 or 2 when it did not, 100 when nobody is logged in, 127 for a command that does not exist.
.Nm kigo run Fl x
ends as the command in the dyno did.
`

// manual prints the manual page, made of the table of commands.
func manual(c *call) error {
	var b strings.Builder
	b.WriteString(manualHead)
	b.WriteString(".Bl -tag -width Ds\n")
	for _, cmd := range commands {
		parsed, err := parse(cmd, nil)
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, ".It Nm kigo %s", roff(cmd.name))
		if cmd.args != "" {
			fmt.Fprintf(&b, " Ar %s", roff(cmd.args))
		}
		fmt.Fprintf(&b, "\n%s\n", roff(sentenceOf(cmd.short)))
		manualFlags(&b, parsed.flags)
		if len(cmd.aliases) > 0 {
			fmt.Fprintf(&b, "Also called %s.\n", roff(strings.Join(cmd.aliases, ", ")))
		}
	}
	b.WriteString(".El\n")
	b.WriteString(manualFoot)
	c.println("%s", strings.TrimSuffix(strings.Replace(b.String(), "$Mdocdate$", manualDate, 1), "\n"))
	return nil
}

// manualDate is when the page's own text was written last.
const manualDate = "November 22, 2026"

func manualFlags(b *strings.Builder, flags *pflag.FlagSet) {
	some := false
	flags.VisitAll(func(f *pflag.Flag) {
		if !some {
			b.WriteString(".Bl -tag -width Ds\n")
			some = true
		}
		b.WriteString(".It")
		if f.Shorthand != "" {
			b.WriteString(" Fl " + f.Shorthand + " ,")
		}
		b.WriteString(" Fl -" + f.Name)
		if f.NoOptDefVal == "" {
			b.WriteString(" Ns = Ns Ar VALUE")
		}
		b.WriteString("\n" + roff(sentenceOf(f.Usage)) + "\n")
	})
	if some {
		b.WriteString(".El\n")
	}
}

func sentenceOf(s string) string { return strings.TrimSuffix(s, ".") + "." }

// roff keeps text from being taken for a macro.
func roff(s string) string {
	s = strings.ReplaceAll(s, `\`, `\e`)
	if strings.HasPrefix(s, ".") || strings.HasPrefix(s, "'") {
		s = `\&` + s
	}
	return s
}
