package cli

import (
	"slices"
	"strings"
)

// refusal is commands of the official command line that have nothing to act on here, and why.
type refusal struct{ why, commands string }

// refusals is each command of the official one that is not in the table of commands; a test
// compares both with the official list.
var refusals = []refusal{
	{"This server has no add-on providers. Run the service elsewhere and give the app its address: kigo config:set DATABASE_URL=….", `
		addons:attach addons:create addons:destroy addons:detach addons:docs addons:downgrade addons:info addons:open addons:plans addons:rename
		addons:services addons:upgrade addons:wait data:maintenances data:maintenances:history data:maintenances:info data:maintenances:run
		data:maintenances:schedule data:maintenances:wait data:maintenances:window data:maintenances:window:update data:pg:attachments
		data:pg:attachments:create data:pg:attachments:destroy data:pg:create data:pg:credentials data:pg:credentials:create data:pg:credentials:destroy
		data:pg:credentials:rotate data:pg:credentials:url data:pg:destroy data:pg:docs data:pg:fork data:pg:info data:pg:levels data:pg:migrate data:pg:psql
		data:pg:quotas data:pg:quotas:update data:pg:settings data:pg:update data:pg:upgrade:run data:pg:upgrade:wait data:pg:wait pg pg:backups
		pg:backups:cancel pg:backups:capture pg:backups:delete pg:backups:download pg:backups:info pg:backups:restore pg:backups:schedule pg:backups:schedules
		pg:backups:unschedule pg:backups:url pg:bloat pg:blocking pg:cache-hit pg:calls pg:connection-pooling:attach pg:copy pg:credentials
		pg:credentials:create pg:credentials:destroy pg:credentials:repair-default pg:credentials:rotate pg:credentials:url pg:diagnose pg:extensions
		pg:fdwsql pg:index-size pg:index-usage pg:info pg:kill pg:killall pg:links pg:links:create pg:links:destroy pg:locks pg:long-running-queries
		pg:mandelbrot pg:outliers pg:promote pg:ps pg:psql pg:pull pg:push pg:records-rank pg:reset pg:seq-scans pg:settings pg:settings:auto-explain
		pg:settings:auto-explain:log-analyze pg:settings:auto-explain:log-buffers pg:settings:auto-explain:log-format
		pg:settings:auto-explain:log-min-duration pg:settings:auto-explain:log-nested-statements pg:settings:auto-explain:log-triggers
		pg:settings:auto-explain:log-verbose pg:settings:data-connector-details-logs pg:settings:explain-data-connector-details pg:settings:log-connections
		pg:settings:log-lock-waits pg:settings:log-min-duration-statement pg:settings:log-min-error-statement pg:settings:log-statement
		pg:settings:track-functions pg:stats-reset pg:table-indexes-size pg:table-size pg:table_size pg:total-index-size pg:total-table-size
		pg:total_table_size pg:unfollow pg:unused-indexes pg:unused_indexes pg:upgrade:cancel pg:upgrade:dryrun pg:upgrade:prepare pg:upgrade:run
		pg:upgrade:wait pg:user-connections pg:vacuum-stats pg:wait psql redis redis:cli redis:credentials redis:info redis:keyspace-notifications
		redis:maxmemory redis:promote redis:stats-reset redis:timeout redis:upgrade redis:wait`},
	{"Private Spaces are networks that Heroku rents out: separate apps by running another server.", `
		drains:get drains:set spaces spaces:create spaces:destroy spaces:drains:get spaces:drains:set spaces:info spaces:peerings spaces:peerings:accept
		spaces:peerings:destroy spaces:peerings:info spaces:ps spaces:rename spaces:topology spaces:transfer spaces:trusted-ips spaces:trusted-ips:add
		spaces:trusted-ips:remove spaces:vpn:config spaces:vpn:connect spaces:vpn:connections spaces:vpn:destroy spaces:vpn:info spaces:vpn:update
		spaces:vpn:wait spaces:wait`},
	{"This server makes no review apps: make an app with kigo create, and put it into the pipeline with kigo pipelines:add.", `
		reviewapps:create reviewapps:disable reviewapps:enable reviewapps:wait`},
	{"This server runs no tests of pipelines: run them where the code is pushed from, or with kigo run.", `
		ci ci:debug ci:info ci:last ci:migrate-manifest ci:open ci:rerun ci:run`},
	{"Code comes by git push, kigo deploy or an image: this server is not connected to GitHub.", `
		pipelines:connect pipelines:setup`},
	{"This server has no dashboard: kigo pipelines:info and kigo members show the same.", `
		orgs:open pipelines:open`},
	{"Dynos are scaled by hand: kigo ps:scale. kigo alerts tells when it is time.", `
		ps:autoscale:disable ps:autoscale:enable`},
	{"There is no proxy into dynos: kigo ps:forward leads to their ports.", `
		ps:socks`},
	{"One login is kept: set HEROKU_HOST and HEROKU_API_KEY for another one, or XDG_CONFIG_HOME for another file of it.", `
		accounts:add accounts:current accounts:remove accounts:set`},
	{"It needs no server: a program such as foreman, honcho or overmind runs a Procfile on this machine.", `
		local local:run local:start local:version`},
	{"kigo is one program without plugins.", `
		mcp:start plugins plugins:add plugins:inspect plugins:install plugins:link plugins:remove plugins:reset plugins:uninstall plugins:unlink
		plugins:update repl which`},
	{"kigo is renewed with its server: install the newer program.", `
		update`},
	{"Completion is made by kigo itself: kigo completion bash, zsh or fish.", `
		autocomplete`},
	{"kigo help lists the commands, and an unknown one is answered with the nearest.", `
		search`},
}

// refused says why there is no such command, if it is one of the official command line's.
func refused(name string) (why string, ok bool) {
	for _, r := range refusals {
		if slices.Contains(strings.Fields(r.commands), name) {
			return r.why, true
		}
	}
	return "", false
}
