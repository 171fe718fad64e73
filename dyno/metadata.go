package dyno

import (
	"cmp"
	"strconv"
	"time"
)

// metadataFeature is the switch of an app whose dynos are told what they are.
const metadataFeature = "runtime-dyno-metadata"

// metadata are the variables of Heroku's dyno metadata; nil when the app has not
// asked for them.
func (p Plan) metadata() map[string]string {
	if !p.Metadata {
		return nil
	}
	vars := map[string]string{
		"HEROKU_APP_ID":             string(p.App.ID),
		"HEROKU_APP_NAME":           p.App.Name,
		"HEROKU_DYNO_ID":            string(p.Dyno.ID),
		"HEROKU_RELEASE_VERSION":    "v" + strconv.Itoa(p.Release.Version),
		"HEROKU_RELEASE_CREATED_AT": p.Release.CreatedAt.UTC().Format(time.RFC3339),
	}
	if p.Slug.Commit != "" {
		short := p.Slug.Commit[:min(8, len(p.Slug.Commit))]
		vars["HEROKU_SLUG_COMMIT"], vars["HEROKU_BUILD_COMMIT"] = p.Slug.Commit, p.Slug.Commit
		vars["HEROKU_SLUG_DESCRIPTION"] = "Deploy " + short
		vars["HEROKU_BUILD_DESCRIPTION"] = cmp.Or(p.Slug.CommitDescription, "Deploy "+short)
	}
	return vars
}
