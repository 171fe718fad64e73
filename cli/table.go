package cli

import (
	"cmp"
	"slices"

	"github.com/spf13/pflag"
)

// commands is every command, in the order of help: by name. Nouns with many of them have
// their rows in their own files.
var commands []command

// Flags that several commands share.
func jsonFlag(fs *pflag.FlagSet) { fs.BoolP("json", "j", false, "print JSON") }

func teamFlag(fs *pflag.FlagSet) {
	fs.StringP("team", "t", "", "a team, for its apps that say nothing themselves")
}

func confirmFlag(fs *pflag.FlagSet) {
	fs.StringP("confirm", "c", "", "the app's name, instead of being asked for it")
}

func shellFlags(fs *pflag.FlagSet) {
	jsonFlag(fs)
	fs.BoolP("shell", "s", false, "print lines that a shell can read")
}

func targetFlags(fs *pflag.FlagSet) {
	fs.StringP("dyno-name", "d", "", "one dyno, such as web.1")
	fs.StringP("process-type", "p", "", "every dyno of a process type")
}

func indexFlags(fs *pflag.FlagSet) {
	jsonFlag(fs)
	fs.StringP("index", "i", "", "position in the list, from 1")
}

func runFlags(fs *pflag.FlagSet) {
	fs.StringP("env", "e", "", "variables to set, divided by ;")
	fs.StringP("size", "s", "", "dyno size")
	fs.String("type", "", "process type")
	fs.Bool("no-launcher", false, "accepted for the official CLI's sake")
	fs.Bool("no-notify", false, "accepted for the official CLI's sake")
}

func verboseFlag(fs *pflag.FlagSet) {
	fs.BoolP("verbose", "v", false, "accepted for the official CLI's sake")
}

// The table refers to functions that look things up in it, hence init.
func init() {
	own := []command{
		{name: "alerts", short: "list the alerts of an app and where each stands", app: oneApp, login: true, run: alertsList, flags: jsonFlag},
		{name: "alerts:add", args: "METRIC", short: "tell somebody when response-time, failed-requests, memory or restarts is above a threshold", app: oneApp, login: true, run: alertAdd, flags: func(fs *pflag.FlagSet) {
			fs.String("above", "", "the threshold: ms, percent or a number")
			fs.String("clear", "", "at or below it the alert is over; by default nine tenths of the threshold")
			fs.String("for", "5m", "how long it must last")
			fs.String("remind", "", "how often to tell again while it lasts")
			fs.StringP("process-type", "p", "", "only this process type, for memory and restarts")
			fs.StringSlice("email", nil, "whom to write to")
			fs.String("webhook", "", "address to post to")
			fs.String("name", "", "name of the alert; by default that of the metric")
		}},
		{name: "alerts:remove", args: "ALERT", short: "end an alert", app: oneApp, login: true, run: alertRemove},

		{name: "apps", aliases: []string{"list", "apps:list"}, short: "list your apps", login: true, run: appsList, flags: func(fs *pflag.FlagSet) {
			jsonFlag(fs)
			fs.BoolP("all", "A", false, "also apps that others own")
			ofTeam(fs)
			fs.BoolP("personal", "p", false, "not those of the team that the environment names")
		}},
		{name: "apps:create", aliases: []string{"create"}, args: "[APP]", short: "create an app", login: true, run: appsCreate, flags: func(fs *pflag.FlagSet) {
			fs.Bool("json", false, "print JSON")
			fs.StringP("buildpack", "b", "", "buildpack for the app")
			fs.BoolP("no-remote", "n", false, "do not create a git remote")
			fs.String("region", "", "region for the app")
			fs.StringP("remote", "r", "heroku", "name of the git remote to create")
			ofTeam(fs)
			fs.StringP("stack", "s", "", "stack for the app")
		}},
		{name: "apps:diff", args: "APP1 APP2", short: "show what two apps do not have in common", login: true, run: appsDiff, flags: jsonFlag},
		{name: "apps:info", aliases: []string{"info"}, args: "[APP]", short: "show what an app is", app: maybeApp, login: true, run: appsInfo, flags: shellFlags},
		{name: "apps:rename", aliases: []string{"rename"}, args: "NEWNAME", short: "rename an app", app: oneApp, login: true, run: appsRename},
		{name: "apps:destroy", aliases: []string{"destroy", "apps:delete"}, args: "[APP]", short: "destroy an app for ever", app: maybeApp, login: true, run: appsDestroy, flags: confirmFlag},
		{name: "apps:errors", short: "list the errors of an app: H codes of the router, R codes of dynos", app: oneApp, login: true, run: appErrors, flags: func(fs *pflag.FlagSet) {
			fs.Bool("dyno", false, "only errors of dynos")
			fs.Bool("router", false, "only errors of the router")
			fs.String("hours", "24", "how far to look back")
			fs.Bool("json", false, "print JSON")
		}},
		{name: "apps:open", aliases: []string{"open"}, args: "[PATH]", short: "open an app in a browser", app: oneApp, login: true, run: appsOpen},
		{name: "apps:stacks", aliases: []string{"stack", "stacks"}, short: "list stacks", app: oneApp, login: true, run: stacks},
		{name: "apps:stacks:set", aliases: []string{"stack:set", "stacks:set"}, args: "STACK", short: "set the stack of the next build", app: oneApp, login: true, run: stacksSet},

		{name: "access", short: "list who may do what with an app", app: oneApp, login: true, run: accessList, flags: jsonFlag},
		{name: "access:add", aliases: []string{"sharing:add"}, args: "EMAIL", short: "let somebody work on an app", app: oneApp, login: true, run: accessAdd, flags: func(fs *pflag.FlagSet) {
			fs.StringP("permissions", "p", "", "view, deploy, operate, manage: some of them, divided by commas")
		}},
		{name: "access:update", args: "EMAIL", short: "change what somebody may do with a team's app", app: oneApp, login: true, run: accessUpdate, flags: func(fs *pflag.FlagSet) {
			fs.StringP("permissions", "p", "", "deploy, operate, manage: some of them, divided by commas")
		}},
		{name: "access:remove", aliases: []string{"sharing:remove"}, args: "EMAIL", short: "let somebody work on an app no more", app: oneApp, login: true, run: accessRemove},

		{name: "accounts", short: "list the accounts of this server, as its operator", login: true, run: accounts, flags: jsonFlag},
		{name: "accounts:create", args: "EMAIL", short: "make an account and print its token, as the operator", login: true, run: accountCreate, flags: accountFlags},
		{name: "accounts:reset", args: "EMAIL", short: "mail, or print, a one-time token with which somebody sets a new password, as the operator", login: true, run: accountReset, flags: func(fs *pflag.FlagSet) {
			fs.Bool("two-factor", false, "end the account's second factor as well, for who has lost it")
		}},
		{name: "auth:2fa", aliases: []string{"2fa", "twofactor"}, short: "show whether logins ask for a code", login: true, run: twoFactorShow},
		{name: "two-factor:enable", short: "ask for a code at each login, besides the password", login: true, run: twoFactorEnable},
		{name: "two-factor:disable", aliases: []string{"2fa:disable", "auth:2fa:disable", "twofactor:disable"}, short: "log in by password alone again", login: true, run: twoFactorDisable},
		{name: "accounts:confirm", args: "EMAIL", short: "give somebody the address that they asked for, as the operator", login: true, run: accountConfirm},

		{name: "audit:verify", short: "check that the server's record of changes is whole, as the operator", login: true, run: auditVerify},

		{name: "auth:login", aliases: []string{"login"}, short: "log in to a server", run: login, flags: func(fs *pflag.FlagSet) {
			fs.BoolP("interactive", "i", false, "with e-mail address and password instead of a token")
			fs.String("server", "", "address of the server, such as "+defaultServer)
			fs.String("ca", "", "file of certificates to trust")
			fs.String("git", "", "host:port of git, if not the server's own")
		}},
		{name: "auth:logout", aliases: []string{"logout"}, short: "forget the server and the token", run: logout},
		{name: "auth:token", short: "print the token", login: true, run: authToken, flags: jsonFlag},
		{name: "auth:whoami", aliases: []string{"whoami"}, short: "print who you are", login: true, run: whoami},

		{name: "buildpacks", short: "list the buildpacks of an app", app: oneApp, login: true, run: buildpacksList, flags: jsonFlag},
		{name: "buildpacks:add", args: "BUILDPACK", short: "add a buildpack", app: oneApp, login: true, run: buildpacksAdd, flags: indexFlags},
		{name: "buildpacks:clear", short: "remove every buildpack", app: oneApp, login: true, run: buildpacksClear, flags: jsonFlag},
		{name: "buildpacks:remove", args: "[BUILDPACK]", short: "remove a buildpack", app: oneApp, login: true, run: buildpacksRemove, flags: indexFlags},
		{name: "buildpacks:set", args: "BUILDPACK", short: "replace a buildpack", app: oneApp, login: true, run: buildpacksSet, flags: indexFlags},

		{name: "builds", short: "list builds", app: oneApp, login: true, run: buildsList, flags: func(fs *pflag.FlagSet) {
			jsonFlag(fs)
			fs.StringP("num", "n", "", "number of builds")
		}},
		{name: "builds:cache:purge", short: "remove what builds have kept for later ones", app: oneApp, login: true, run: cachePurge, flags: confirmFlag},
		{name: "builds:cancel", args: "[BUILD]", short: "stop a build", app: oneApp, login: true, run: buildsCancel},
		{name: "builds:create", short: "build a folder, a tarball or a URL", app: oneApp, login: true, run: buildsCreate, flags: func(fs *pflag.FlagSet) {
			fs.String("source-tar", "", "file of a gzipped tar archive")
			fs.String("source-url", "", "URL of a gzipped tar archive")
			fs.String("version", "", "name of the source's version")
		}},
		{name: "builds:info", args: "[BUILD]", short: "show one build", app: oneApp, login: true, run: buildsInfo, flags: jsonFlag},
		{name: "builds:output", args: "[BUILD]", short: "show the output of a build, live or after its end", app: oneApp, login: true, stream: true, run: buildsOutput},

		{name: "config", short: "show the config vars of an app", app: oneApp, login: true, run: configList, flags: shellFlags},
		{name: "config:edit", args: "[KEY]", short: "change config vars in an editor", app: oneApp, login: true, run: configEdit},
		{name: "config:get", args: "KEY...", short: "print one config var", app: oneApp, login: true, run: configGet, flags: shellFlags},
		{name: "config:set", aliases: []string{"config:add"}, args: "KEY=VALUE...", short: "set config vars", app: oneApp, login: true, run: configSet},
		{name: "config:unset", aliases: []string{"config:remove"}, args: "KEY...", short: "remove config vars", app: oneApp, login: true, run: configUnset},

		{name: "complete", args: "WORDS...", short: "print what a word of a command line may become, for shells", raw: true, run: complete},
		{name: "completion", args: "SHELL", short: "print what bash, zsh or fish needs to complete commands", run: completion},

		{name: "connect", args: "[COMMAND...]", short: "let Heroku's command line work with a server that is elsewhere", login: true, raw: true, run: connect, flags: func(fs *pflag.FlagSet) {
			fs.String("listen", "127.0.0.1:0", "address of this machine to listen at")
		}},

		{name: "container:release", args: "TYPE...", short: "release the images that were pushed for process types", app: oneApp, login: true, run: containerRelease, flags: verboseFlag},
		{name: "container:rm", args: "TYPE...", short: "take process types away from an app that runs images", app: oneApp, login: true, run: containerRemove, flags: verboseFlag},

		{name: "deploy", args: "[FOLDER]", short: "build and release a folder without a commit", app: oneApp, login: true, run: deploy, flags: func(fs *pflag.FlagSet) {
			fs.String("version", "", "name of the source's version")
		}},

		{name: "drains", short: "list where the log of an app is sent", app: oneApp, login: true, run: drains, flags: func(fs *pflag.FlagSet) {
			fs.BoolP("extended", "x", false, "with the ids of drains")
			jsonFlag(fs)
		}},
		{name: "drains:add", args: "URL", short: "send the log of an app to a URL", app: oneApp, login: true, run: drainAdd},
		{name: "drains:remove", args: "URL", short: "end a drain, by its URL or token", app: oneApp, login: true, run: drainRemove},

		{name: "env", short: "print shell variables that lead to a server of this machine", run: serverVariables, flags: func(fs *pflag.FlagSet) {
			fs.String("data", "/var/lib/kigo", "data folder of the server")
		}},

		{name: "features", short: "list the features of an app", app: oneApp, login: true, run: featuresList, flags: jsonFlag},
		{name: "features:disable", args: "FEATURE", short: "turn a feature off", app: oneApp, login: true, run: featureDisable},
		{name: "features:enable", args: "FEATURE", short: "turn a feature on", app: oneApp, login: true, run: featureEnable},
		{name: "features:info", args: "FEATURE", short: "show what a feature is", app: oneApp, login: true, run: featureInfo, flags: jsonFlag},
		{name: "keys", short: "list your SSH keys", login: true, run: keysList, flags: func(fs *pflag.FlagSet) {
			jsonFlag(fs)
			fs.BoolP("long", "l", false, "keys in full")
		}},
		{name: "keys:add", args: "FILE", short: "add an SSH key", login: true, run: keysAdd, flags: func(fs *pflag.FlagSet) {
			fs.BoolP("yes", "y", false, "accepted for the official CLI's sake")
		}},
		{name: "keys:clear", short: "remove all your SSH keys", login: true, run: keysClear},
		{name: "keys:remove", args: "KEY", short: "remove an SSH key, by some of its text", login: true, run: keysRemove},
		{name: "labs", short: "list experimental features", app: maybeApp, login: true, run: labsList},
		{name: "labs:info", args: "FEATURE", short: "show what an experimental feature is", app: maybeApp, login: true, run: labsInfo, flags: jsonFlag},
		{name: "labs:disable", args: "FEATURE", short: "turn an experimental feature off", app: maybeApp, login: true, run: labsDisable, flags: func(fs *pflag.FlagSet) {
			fs.String("confirm", "", "accepted for the official CLI's sake")
		}},
		{name: "labs:enable", args: "FEATURE", short: "turn an experimental feature on", app: maybeApp, login: true, run: labsEnable},

		{name: "git:clone", args: "[FOLDER]", short: "clone the repository of an app", app: oneApp, login: true, stream: true, run: gitClone},
		{name: "git:credentials", args: "COMMAND", short: "answer git's question for a password", run: gitCredentials},
		{name: "git:remote", args: "[APP]", short: "point a git remote at an app", app: maybeApp, login: true, run: gitRemote},

		{name: "logs", short: "show the log of an app", app: oneApp, login: true, stream: true, run: logs, flags: func(fs *pflag.FlagSet) {
			fs.StringP("dyno-name", "d", "", "only this dyno, such as web.1")
			fs.StringP("num", "n", "", "number of lines")
			fs.StringP("process-type", "p", "", "only this process type")
			fs.StringP("source", "s", "", "only this source: app or heroku")
			fs.BoolP("tail", "t", false, "go on with new lines")
			fs.Bool("no-color", false, "accepted for the official CLI's sake")
			fs.Bool("force-colors", false, "accepted for the official CLI's sake")
			fs.SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
				if name == "dyno" {
					name = "dyno-name"
				}
				return pflag.NormalizedName(name)
			})
		}},

		{name: "egress", short: "list what the dynos of an app may reach", app: oneApp, login: true, run: egressList, flags: jsonFlag},
		{name: "egress:allow", args: "TARGET", short: "let dynos reach ADDRESS[:PORT] or CIDR[:PORT]; private ranges as the operator", app: oneApp, login: true, run: egressAllow},
		{name: "egress:deny", args: "TARGET", short: "keep dynos from ADDRESS[:PORT] or CIDR[:PORT]", app: oneApp, login: true, run: egressDeny},
		{name: "egress:remove", args: "TARGET", short: "remove the rule for that target", app: oneApp, login: true, run: egressRemove},

		{name: "isolation", short: "show how the dynos of an app are kept apart from the machine", app: maybeApp, login: true, run: isolation, flags: teamFlag},
		{name: "isolation:set", args: "CLASS", short: "choose standard or hardened (gVisor)", app: maybeApp, login: true, run: isolationSet, flags: teamFlag},

		{name: "logs:inputs", short: "list who else may write into the log of an app", app: oneApp, login: true, run: logInputs, flags: jsonFlag},
		{name: "logs:inputs:add", args: "NAME", short: "make an address that takes lines for the log of an app", app: oneApp, login: true, run: logInputAdd},
		{name: "logs:inputs:remove", args: "NAME", short: "take no more lines from that address", app: oneApp, login: true, run: logInputRemove},
		{name: "logs:retention", short: "show or set how much of the log is kept", app: oneApp, login: true, run: logRetention, flags: func(fs *pflag.FlagSet) {
			fs.String("lines", "", "number of lines to keep")
			fs.String("bytes", "", "bytes of messages to keep")
			fs.String("age", "", "how long to keep lines, such as 24h; 0: however long")
			jsonFlag(fs)
		}},

		{name: "maintenance", short: "show whether maintenance mode is on", app: oneApp, login: true, run: maintenance},
		{name: "maintenance:off", short: "let requests through", app: oneApp, login: true, run: maintenanceOff},
		{name: "maintenance:on", short: "answer every request with a maintenance page", app: oneApp, login: true, run: maintenanceOn},

		{name: "metrics", short: "show requests, response times, errors, memory and restarts of an app", app: oneApp, login: true, run: metricsShow, flags: func(fs *pflag.FlagSet) {
			fs.String("hours", "1", "how far to look back")
			jsonFlag(fs)
		}},

		{name: "ps", args: "[TYPE...]", short: "list dynos", app: oneApp, login: true, run: psList, flags: jsonFlag},
		{name: "ps:copy", args: "FILE", short: "copy a file out of a running dyno", app: oneApp, login: true, stream: true, run: psCopy, flags: func(fs *pflag.FlagSet) {
			fs.StringP("dyno", "d", "", "the dyno, such as web.1")
			fs.StringP("output", "o", "", "name of the copy")
		}},
		{name: "ps:exec", args: "[COMMAND...]", short: "run a command, or a shell, in a running dyno", app: oneApp, login: true, raw: true, run: psExec, flags: func(fs *pflag.FlagSet) {
			fs.StringP("dyno", "d", "", "the dyno, such as web.1")
			fs.Bool("status", false, "list the dynos that can be entered")
			fs.Bool("ssh", false, "accepted for the official CLI's sake")
		}},
		{name: "ps:forward", args: "PORTS", short: "forward local ports to a running dyno: LOCAL[:REMOTE],…", app: oneApp, login: true, stream: true, run: psForward, flags: func(fs *pflag.FlagSet) {
			fs.StringP("dyno", "d", "", "the dyno, such as web.1")
		}},
		{name: "ps:restart", aliases: []string{"restart", "dyno:restart"}, args: "[DYNO]", short: "restart dynos", app: oneApp, login: true, run: psRestart, flags: targetFlags},
		{name: "ps:scale", aliases: []string{"scale", "dyno:scale"}, args: "[TYPE=QUANTITY:SIZE...]", short: "set how many dynos there are", app: oneApp, login: true, run: psScale},
		{name: "ps:stop", aliases: []string{"stop", "kill", "ps:kill", "dyno:stop", "dyno:kill"}, args: "[DYNO]", short: "stop dynos", app: oneApp, login: true, run: psStop, flags: targetFlags},
		{name: "ps:type", aliases: []string{"resize", "ps:resize", "dyno:resize", "dyno:type"}, args: "[TYPE=SIZE...]", short: "set how large dynos are", app: oneApp, login: true, run: psType},
		{name: "ps:wait", short: "wait until every dyno runs the newest release", app: oneApp, login: true, run: psWait, flags: func(fs *pflag.FlagSet) {
			fs.StringP("type", "t", "", "only this process type")
			fs.BoolP("with-run", "R", false, "one-off dynos too")
			fs.StringP("wait-interval", "w", "1", "seconds between looks")
		}},

		{name: "man", short: "print the manual page, for man -l -", run: manual},

		{name: "regions", short: "list regions", login: true, run: regions, flags: func(fs *pflag.FlagSet) {
			fs.Bool("json", false, "print JSON")
			fs.Bool("common", false, "only regions of the common runtime")
			fs.Bool("private", false, "only regions of private spaces")
		}},

		{name: "releases", short: "list releases", app: oneApp, login: true, run: releasesList, flags: func(fs *pflag.FlagSet) {
			fs.Bool("json", false, "print JSON")
			fs.StringP("num", "n", "", "number of releases")
		}},
		{name: "releases:info", args: "[RELEASE]", short: "show one release", app: oneApp, login: true, run: releasesInfo, flags: shellFlags},
		{name: "releases:output", args: "[RELEASE]", short: "show what a release phase said", app: oneApp, login: true, stream: true, run: releasesOutput},
		{name: "releases:retry", short: "run the newest release's command again", app: oneApp, login: true, run: releasesRetry},
		{name: "releases:rollback", aliases: []string{"rollback"}, args: "[RELEASE]", short: "go back to an earlier release", app: oneApp, login: true, run: rollback},

		{name: "run", args: "COMMAND...", short: "run a command in a new dyno", app: oneApp, login: true, raw: true, run: runAttached, flags: func(fs *pflag.FlagSet) {
			runFlags(fs)
			fs.BoolP("exit-code", "x", false, "end with the command's exit status")
			fs.Bool("no-tty", false, "without a terminal")
		}},
		{name: "run:inside", args: "DYNO COMMAND...", short: "run a command in a dyno that is there already", app: oneApp, login: true, raw: true, run: runInside, flags: func(fs *pflag.FlagSet) {
			fs.BoolP("exit-code", "x", false, "end with the command's exit status")
			fs.Bool("no-launcher", false, "accepted for the official CLI's sake")
		}},
		{name: "run:detached", args: "COMMAND...", short: "run a command in a new dyno, without waiting for it", app: oneApp, login: true, raw: true, run: runDetached, flags: func(fs *pflag.FlagSet) {
			runFlags(fs)
			fs.BoolP("tail", "t", false, "follow its log")
		}},

		{name: "setup", args: "[FOLDER|URL]", short: "make an app of a folder or archive with an app.json", login: true, run: setUp, flags: func(fs *pflag.FlagSet) {
			fs.StringP("name", "n", "", "name for the app")
			fs.StringP("stack", "s", "", "stack for the app")
			fs.StringArrayP("env", "e", nil, "config var KEY=VALUE that goes before the file's; may be repeated")
		}},

		{name: "status", short: "show how the platform is", run: statusShow, flags: jsonFlag},
		{name: "stacks:patch", args: "[STACK]", short: "move apps to a stack's newest image, also those that returned, as the operator", login: true, run: stacksPatch, flags: jsonFlag},
		{name: "stacks:status", short: "show how far apps are on their way to new stack images, as the operator", login: true, run: stacksStatus, flags: jsonFlag},

		{name: "addons", short: "list add-ons, of which this server provides none", app: maybeApp, login: true, run: addonList, flags: func(fs *pflag.FlagSet) {
			fs.BoolP("all", "A", false, "of all apps")
			fs.Bool("json", false, "print JSON")
		}},
		{name: "usage:addons", short: "show what add-ons of an app or a team have used", app: maybeApp, login: true, run: addonUsage, flags: ofTeam},
		{name: "commands", short: "list all commands", run: commandList, flags: jsonFlag},
		{name: "usage", short: "show the dyno-hours of your apps by month", app: maybeApp, login: true, run: usageShow, flags: func(fs *pflag.FlagSet) {
			fs.StringP("month", "m", "", "the month, such as 2026-11; by default this one")
			fs.Bool("all", false, "every month that is kept")
			jsonFlag(fs)
		}},
		{name: "version", aliases: []string{"version:info"}, short: "print the version", run: version},
	}
	commands = slices.Concat(own, acmCommands, authorizationCommands, certCommands, ciCommands, dockerCommands, domainCommands, favoriteCommands, loginCommands, oauthClientCommands,
		pipelineCommands, registryCommands, teamCommands, telemetryCommands, transferCommands, webhookCommands)
	slices.SortFunc(commands, func(a, b command) int { return cmp.Compare(a.name, b.name) })
}
