package api

import (
	"math"
	"strconv"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/client"
	"github.com/kigo-dev/kigo/store"
)

func (c *call) serializeRelease(r kigo.Release) client.Release {
	out := client.Release{
		AddonPlanNames:      []string{},
		App:                 appRef(c.app),
		Artifacts:           []client.Artifact{},
		CreatedAt:           second(r.CreatedAt),
		Current:             r.Current,
		Description:         describe(r),
		EligibleForRollback: r.Slug != "" && r.Status == kigo.ReleaseSucceeded, // also the current one: `heroku rollback` takes the second eligible
		ID:                  string(r.ID),
		OutputStreamURL:     optional(c.streamURL(r.Output)),
		Slug:                idRef(r.Slug),
		Status:              string(r.Status),
		UpdatedAt:           second(r.UpdatedAt),
		User:                userRef(r.User, r.UserEmail),
		Version:             r.Version,
	}
	if r.Slug != "" {
		out.Artifacts = append(out.Artifacts, client.Artifact{ID: string(r.Slug), Type: "slug"})
	}
	return out
}

// describe is a release's description, and why it failed if its dynos are to blame:
// Heroku's shape of a release has no place of its own for that.
func describe(r kigo.Release) string {
	if r.Failure == "" {
		return r.Description
	}
	return r.Description + " (failed: " + r.Failure + ")"
}

func releaseList(c *call) (reply, error) {
	var all []kigo.Release
	part, some := c.versions()
	err := c.view(func(tx *store.Tx) (err error) {
		if some {
			all, err = tx.ReleasesIn(c.app.ID, part)
		} else {
			all, err = tx.Releases(c.app.ID)
		}
		return err
	})
	if err != nil {
		return reply{}, err
	}
	return page(c, all, each(c.serializeRelease),
		numberKey("version", func(r kigo.Release) int { return r.Version }),
		textKey("id", func(r kigo.Release) string { return string(r.ID) }),
		timeKey("created_at", func(r kigo.Release) time.Time { return r.CreatedAt }))
}

// versions is the part of the releases that the page asked for may be made of, and
// one more, by which the page knows that it is not the last. False: any may be.
func (c *call) versions() (store.Versions, bool) {
	s, err := parseRange(c.r.Header.Get("Range"))
	if err != nil || s.Field != "" && s.Field != "version" {
		return store.Versions{}, false
	}
	low, high := s.First, s.Last
	if s.Desc {
		low, high = high, low
	}
	v := store.Versions{First: 0, Last: math.MaxInt32, Desc: s.Desc, Limit: s.Max + 2} // an end that is not included, and one more
	return v, number(low, &v.First) && number(high, &v.Last)
}

// number reads an end of a range, unless it is open; false: it is none.
func number(text string, to *int) bool {
	if text == "" {
		return true
	}
	n, err := strconv.Atoi(text)
	*to = n
	return err == nil
}

func releaseInfo(c *call) (reply, error) {
	var r kigo.Release
	err := c.view(func(tx *store.Tx) (err error) {
		which := c.param("release")
		if which == "current" {
			r, err = tx.CurrentRelease(c.app.ID)
		} else {
			r, err = tx.FindRelease(c.app.ID, which)
		}
		return err
	})
	return ok(c.serializeRelease(r)), err
}

// releaseCreate makes a release of a slug, or of an older release (a rollback).
func releaseCreate(c *call) (reply, error) {
	var in struct {
		Description *string `json:"description"`
		Release     *ident  `json:"release"`
		Slug        *ident  `json:"slug"`
		OCIImage    *ident  `json:"oci_image"`
	}
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	var (
		r   kigo.Release
		err error
	)
	switch {
	case in.Release.String() != "":
		r, err = ctrl(c).Rollback(c.ctx(), c.actor, c.app.ID, in.Release.String())
	case in.Slug.String() != "":
		r, err = ctrl(c).CreateRelease(c.ctx(), c.actor, c.app.ID, kigo.SlugID(in.Slug.String()), value(in.Description))
	case in.OCIImage.String() != "":
		var image kigo.Slug
		if image, err = c.ociImage(in.OCIImage.String()); err == nil {
			r, err = ctrl(c).CreateRelease(c.ctx(), c.actor, c.app.ID, image.ID, value(in.Description))
		}
	default:
		err = kigo.Invalid("slug or release is required: the id of a slug to release, or of a release to roll back to.")
	}
	return created(c.serializeRelease(r)), err
}
