package cli

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kigo-dev/kigo/client"
)

func releasesList(c *call) error {
	n, err := c.number("num")
	if err != nil {
		return err
	}
	if n == 0 {
		n = 15
	}
	releases, err := c.api.Releases(c, c.app, client.ListOptions{Desc: true, Max: n})
	switch {
	case err != nil:
		return err
	case c.is("json"):
		return c.json(releases)
	case len(releases) == 0:
		c.println("%s has no releases.", c.app)
		return nil
	}
	title := c.app + " Releases"
	if i := slices.IndexFunc(releases, func(r client.Release) bool { return r.Current }); i >= 0 {
		title += fmt.Sprintf(" - Current: v%d", releases[i].Version)
	}
	slices.SortFunc(releases, func(a, b client.Release) int { return cmp.Compare(b.Version, a.Version) })
	var rows [][]string
	for _, r := range releases {
		description := r.Description
		if s := releaseStatus[r.Status]; s != "" {
			description += " " + s
		}
		rows = append(rows, []string{fmt.Sprintf("v%d", r.Version), description, r.User.Email, ago(r.CreatedAt)})
	}
	c.header("%s", title)
	c.table([]string{"v", "description", "user", "created_at"}, rows)
	return nil
}

var releaseStatus = map[string]string{
	"expired": "release expired", "failed": "release command failed", "pending": "release command executing",
}

// release finds the release that an argument names: the newest without one.
func (c *call) release(name string) (client.Release, error) {
	if name != "" && name != "current" {
		return c.api.Release(c, c.app, strings.TrimPrefix(strings.ToLower(name), "v"))
	}
	newest, err := c.api.Releases(c, c.app, client.ListOptions{Desc: true, Max: 1})
	if err != nil {
		return client.Release{}, err
	}
	if len(newest) == 0 {
		return client.Release{}, usage(1, "%s has no releases.", c.app)
	}
	return newest[0], nil
}

func releasesInfo(c *call) error {
	r, err := c.release(c.arg(0))
	if err != nil {
		return err
	}
	if c.is("json") {
		return c.json(r)
	}
	vars, err := c.api.ReleaseConfigVars(c, c.app, fmt.Sprint(r.Version))
	if err != nil {
		return err
	}
	change, eligible := r.Description, "No"
	if s := releaseStatus[r.Status]; s != "" {
		change += " (" + s + ")"
	}
	if r.EligibleForRollback {
		eligible = "Yes"
	}
	size, err := c.slugSize(r)
	if err != nil {
		return err
	}
	pairs := []pair{
		{"Add-ons", r.AddonPlanNames}, one("By", r.User.Email), one("Change", change), one("Eligible for Rollback?", eligible),
	}
	if size != nil {
		pairs = append(pairs, one("Slug Size", fileSize(size))) // the official command has no such line
	}
	c.header("Release v%d", r.Version)
	c.object(append(pairs, one("When", r.CreatedAt.UTC().Format(time.RFC3339))))
	c.println("")
	c.header("v%d Config vars", r.Version)
	pairs = configPairs(vars)
	if !c.is("shell") {
		c.object(pairs)
		return nil
	}
	for _, p := range pairs {
		c.println("%s=%s", p.key, quoteConfig(p.values[0]))
	}
	return nil
}

// slugSize is the size in bytes of the code that a release runs: nil if it has none, or
// its slug was removed since.
func (c *call) slugSize(r client.Release) (*int64, error) {
	if r.Slug == nil {
		return nil, nil
	}
	slug, err := c.api.Slug(c, c.app, r.Slug.ID)
	if client.IsNotFound(err) {
		return nil, nil
	}
	return slug.Size, err
}

func releasesOutput(c *call) error {
	r, err := c.release(c.arg(0))
	if err != nil {
		return err
	}
	if r.OutputStreamURL == nil {
		c.warn("Release v%d has no release output available.", r.Version)
		return nil
	}
	return c.showOutput(*r.OutputStreamURL, "Release command not started yet. Please try again in a few seconds.")
}

func (c *call) showOutput(url, notYet string) error {
	err := c.api.StreamOutput(c, c.out, url)
	if client.IsNotFound(err) {
		c.warn("%s", notYet)
		return nil
	}
	return err
}

func rollback(c *call) error {
	to, err := c.rollbackTarget()
	if err != nil {
		return err
	}
	c.begin("Rolling back %s to v%d", c.app, to.Version)
	r, err := c.api.Rollback(c, c.app, to.ID)
	if err != nil {
		return err
	}
	c.done("done, v%d", r.Version)
	c.warn("Rollback affects code and config vars; it doesn't add or remove addons.")
	c.warn("To undo, run: kigo rollback v%d", r.Version-1)
	if r.OutputStreamURL == nil {
		return nil
	}
	c.println("Running release command...")
	return c.showOutput(*r.OutputStreamURL, "Release command starting. Use `kigo releases:output` to view the log.")
}

// rollbackTarget is the release named, or the one before the newest of those
// that one may go back to.
func (c *call) rollbackTarget() (client.Release, error) {
	if name := c.arg(0); name != "" && name != "previous" {
		return c.release(name)
	}
	releases, err := c.api.Releases(c, c.app, client.ListOptions{Desc: true, Max: 10})
	if err != nil {
		return client.Release{}, err
	}
	eligible := slices.DeleteFunc(releases, func(r client.Release) bool { return !r.EligibleForRollback })
	if len(eligible) < 2 {
		return client.Release{}, usage(2, "No eligible release found for %s to roll back to.", c.app)
	}
	return eligible[1], nil
}
