package api

import (
	"net/http"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/client"
	"github.com/kigo-dev/kigo/control"
	"github.com/kigo-dev/kigo/store"
)

const slugPrefix = "/slugs/"

// serializeSlug gives an address for the slug's tarball: to put it there when
// it was just made, to get it afterwards.
func (c *call) serializeSlug(s kigo.Slug, method string) client.Slug {
	life := fetchTime
	verb := "get"
	if method == http.MethodPut {
		life, verb = uploadTime, "put"
	}
	out := client.Slug{
		Blob:                         client.Blob{Method: verb, URL: c.s.sign(c.r, method, slugPrefix+string(s.ID), c.s.Now().Truncate(life).Add(2*life))},
		BuildpackProvidedDescription: optional(s.BuildpackProvided),
		Commit:                       optional(s.Commit),
		CommitDescription:            optional(s.CommitDescription),
		CreatedAt:                    second(s.CreatedAt),
		ID:                           string(s.ID),
		ProcessTypes:                 s.ProcessTypes,
		Size:                         optional(s.Size),
		Stack:                        fixedRef("stack", s.Stack),
		UpdatedAt:                    second(s.CreatedAt),
	}
	if out.ProcessTypes == nil {
		out.ProcessTypes = map[string]string{}
	}
	return out
}

func slugInfo(c *call) (reply, error) {
	s, err := c.slug(kigo.SlugID(c.param("slug")))
	if err == nil && s.App != c.app.ID {
		err = kigo.NotFound("slug")
	}
	return ok(c.serializeSlug(s, http.MethodGet)), err
}

func (c *call) slug(id kigo.SlugID) (s kigo.Slug, err error) {
	err = c.view(func(tx *store.Tx) error {
		s, err = tx.Slug(id)
		return err
	})
	return s, err
}

func slugCreate(c *call) (reply, error) {
	var in struct {
		ProcessTypes      map[string]string `json:"process_types"`
		Stack             *ident            `json:"stack"`
		Commit            *string           `json:"commit"`
		CommitDescription *string           `json:"commit_description"`
		BuildpackProvided *string           `json:"buildpack_provided_description"`
	}
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	if in.ProcessTypes == nil {
		return reply{}, kigo.Invalid("process_types is required: an object of process types and their commands, such as {\"web\":\"./web\"}.")
	}
	s, err := ctrl(c).CreateSlug(c.ctx(), c.actor, c.app.ID, control.NewSlug{
		ProcessTypes: in.ProcessTypes, Stack: c.s.stackName(in.Stack.String()), Commit: value(in.Commit),
		CommitDescription: value(in.CommitDescription), BuildpackProvided: value(in.BuildpackProvided),
	})
	return created(c.serializeSlug(s, http.MethodPut)), err
}

// slugPut takes a slug's tarball. It can be put once: a slug never changes.
func slugPut(c *call) (reply, error) {
	if !c.s.signed(c.r, http.MethodPut) {
		return reply{}, badCapability()
	}
	if c.s.Slugs == nil {
		return reply{}, newError(kigo.IDUnavailable, "This server takes no slug uploads: deploy by git push or a build.")
	}
	s, err := c.slug(kigo.SlugID(c.param("slug")))
	if err != nil {
		return reply{}, err
	}
	if s.Digest != "" {
		return reply{}, kigo.Conflict("This slug has its content already: create a new slug.")
	}
	rep, err := c.upload(slugKey(s.ID))
	if err != nil {
		return reply{}, err
	}
	return rep, c.s.Slugs.Adopt(c.ctx(), s, slugKey(s.ID))
}

// slugGet answers with the slug's tarball, which is made from its image while it
// is sent: neither has to be kept, and no size makes it need more memory.
func slugGet(c *call) (reply, error) {
	if !c.s.signed(c.r, http.MethodGet) {
		return reply{}, badCapability()
	}
	if c.s.Slugs == nil {
		return reply{}, newError(kigo.IDUnavailable, "This server gives no slugs out.")
	}
	s, err := c.slug(kigo.SlugID(c.param("slug")))
	switch {
	case err != nil:
		return reply{}, err
	case len(s.Images) > 0:
		return reply{}, kigo.Invalid("This slug is a container image and has no tarball: pull the image from the registry.")
	case s.Digest == "":
		return reply{}, newError(kigo.IDNotFound, "This slug has no content yet: put its tarball to the address that its creation gave.")
	}
	out := &archiveWriter{c: c, file: string(s.ID) + ".tgz"}
	if err := c.s.Slugs.Archive(c.ctx(), s, out); err != nil && !out.begun {
		return reply{}, err
	} else if err != nil {
		panic(http.ErrAbortHandler) // a tarball that ends early must not look whole
	}
	return reply{}, nil
}

// archiveStall is how long a client may take nothing of what it is sent.
const archiveStall = time.Minute

// archiveWriter begins the answer with the first bytes, so that what fails before
// them is told as an error.
type archiveWriter struct {
	c     *call
	file  string
	begun bool
}

func (w *archiveWriter) Write(p []byte) (int, error) {
	if !w.begun {
		w.begun = true
		w.c.w.Header().Set("Content-Type", "application/gzip")
		w.c.w.Header().Set("Content-Disposition", `attachment; filename="`+w.file+`"`)
		w.c.w.WriteHeader(http.StatusOK)
	}
	// One that cannot set deadlines waits without one.
	_ = http.NewResponseController(w.c.w).SetWriteDeadline(time.Now().Add(archiveStall))
	return w.c.w.Write(p)
}

func slugKey(id kigo.SlugID) string { return "slug-" + string(id) }
