package api

// What Heroku's clients ask of its services beside the Platform API: the data API,
// notifications, autoscaling, the link to GitHub. Lists of what is not here are empty,
// which is true; besideRefusals say why there is no more.
var besideRoutes = []route{
	{"GET", "/client/v11/apps/{app}/transfers", read, emptyListOfApp, false},
	{"GET", "/data/maintenances/v1/apps/{app}", read, maintenanceList, false},
	{"GET", "/user/notifications", identity, emptyList, false},
	{"GET", "/apps/{app}/formation/{formation}/monitors", read, emptyList, false},
	{"GET", "/favorites", identity, favoriteList, false}, // favorites.go
	{"POST", "/favorites", write, favoriteCreate, false},
	{"DELETE", "/favorites/{favorite}", write, favoriteDelete, false},
}

const (
	noGitHub   = "This server is not connected to GitHub: push with git, or deploy from a workflow of GitHub's with `kigo deploy`."
	noAutoscal = "This server does not scale by response times: set the number of dynos with `heroku ps:scale`."
)

var besideRefusals = []refusal{
	{why: noAddons, resource: "backup", absent: true, calls: []string{
		"GET /client/v11/apps/{app}/transfers/{transfer}", "DELETE /client/v11/apps/{app}/transfers/{transfer}",
		"POST /client/v11/apps/{app}/transfers/{transfer}/actions/{action}",
	}},
	{why: noSpaces, resource: "space", absent: true, calls: []string{"GET /spaces/{space}/dynos"}},
	{why: "This server sends no notifications: add a webhook with `heroku webhooks:add`, or an alert with `kigo alerts:add`.", resource: "notification", absent: true, calls: []string{
		"PATCH /user/notifications/{notification}",
	}},
	{why: noAutoscal, resource: "monitor", calls: []string{"POST /apps/{app}/formation/{formation}/monitors"}},
	{why: noAutoscal, resource: "monitor", absent: true, calls: []string{"PATCH /apps/{app}/formation/{formation}/monitors/{monitor}"}},
	{why: noGitHub, resource: "repository", absent: true, calls: []string{
		"GET /account/github/token", "GET /apps/{app}/github", "PATCH /apps/{app}/github", "GET /pipelines/{pipeline}/github",
		"GET /pipelines/{pipeline}/repository", "POST /pipelines/{pipeline}/repository", "PATCH /pipelines/{pipeline}/repository",
		"GET /pipelines/{pipeline}/repo", "GET /pipelines/{pipeline}/repo/branches/{branch}", "GET /github/repos/{owner}/{repo}/tarball/{ref}",
	}},
}

// emptyListOfApp is for addresses that do not begin with the app.
func emptyListOfApp(c *call) (reply, error) {
	if err := c.findApp(c.param("app")); err != nil {
		return reply{}, err
	}
	return emptyList(c)
}

// maintenanceList is of an app's databases, of which there are none.
func maintenanceList(c *call) (reply, error) {
	return ok(map[string]any{"maintenances": []any{}}), c.findApp(c.param("app"))
}
