package api

import (
	"strings"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/client"
	"github.com/kigo-dev/kigo/store"
)

// maxImageProcesses bounds what is told of an image.
const maxImageProcesses = 100

type imageProcessIn struct {
	Name       *string `json:"name"`
	DisplayCmd *string `json:"display_cmd"`
	Command    *string `json:"command"`
	WorkingDir *string `json:"working_dir"`
	Default    *bool   `json:"default"`
}

type imageIn struct {
	Architecture      *string                   `json:"architecture"`
	BaseImageName     *string                   `json:"base_image_name"`
	BaseTopLayer      *string                   `json:"base_top_layer"`
	Commit            *string                   `json:"commit"`
	CommitDescription *string                   `json:"commit_description"`
	ImageRepo         *string                   `json:"image_repo"`
	Digest            *string                   `json:"digest"`
	Stack             *ident                    `json:"stack"`
	ProcessTypes      map[string]imageProcessIn `json:"process_types"`
	Buildpacks        []struct {
		ID       *string `json:"id"`
		Version  *string `json:"version"`
		Homepage *string `json:"homepage"`
	} `json:"buildpacks"`
}

// imageCreate makes an image that was pushed to the registry into one that can be released,
// with all its process types.
func imageCreate(c *call) (reply, error) {
	var in imageIn
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	if c.s.Images == nil {
		return reply{}, kigo.Invalid("This server has no registry of container images: deploy by git push.")
	}
	typ, err := c.repository(value(in.ImageRepo))
	if err != nil {
		return reply{}, err
	}
	if stack := c.s.stackName(in.Stack.String()); stack != "" && stack != kigo.StackContainer {
		return reply{}, kigo.Invalid("stack is %.80q: container images are for the stack container.", stack)
	}
	image, err := in.image()
	if err != nil {
		return reply{}, err
	}
	if c.app.BuildStack != kigo.StackContainer { // before an image is unpacked for nothing
		return reply{}, kigo.Invalid("Container images are for apps on the stack container, and %s is on %s: run `heroku stack:set container` first.", c.app.Name, c.app.BuildStack)
	}
	slug, err := c.s.Images.Whole(c.ctx(), c.app, typ, image)
	if err != nil {
		return reply{}, err
	}
	slug.App, slug.Commit, slug.CommitDescription = c.app.ID, value(in.Commit), value(in.CommitDescription)
	slug, err = ctrl(c).CreateImage(c.ctx(), c.actor, slug)
	return created(serializeImage(slug)), err
}

// repository is the process type of a repository of the app's.
func (c *call) repository(name string) (string, error) {
	owner, typ, _ := strings.Cut(name, "/")
	switch {
	case name == "":
		return "", kigo.Invalid("image_repo is required: the repository that the image was pushed to, such as %s/web.", c.app.Name)
	case owner != c.app.Name && owner != string(c.app.ID) || !kigo.ValidProcessType(typ):
		return "", kigo.Invalid("image_repo is %.150q, which is no repository of this app: it is %s/ and a process type.", name, c.app.Name)
	}
	return typ, nil
}

// image checks what is told.
func (in imageIn) image() (kigo.OCIImage, error) {
	image := kigo.OCIImage{
		Repo: value(in.ImageRepo), Digest: value(in.Digest), BaseName: value(in.BaseImageName), BaseTopLayer: value(in.BaseTopLayer),
		Architecture: value(in.Architecture), Processes: map[string]kigo.ImageProcess{},
	}
	if image.Digest == "" || len(image.Digest) > maxDockerImage {
		return image, kigo.Invalid("digest is required: that of the image's manifest, such as sha256:….")
	}
	texts := map[string]string{"base_image_name": image.BaseName, "base_top_layer": image.BaseTopLayer, "architecture": image.Architecture}
	if len(in.ProcessTypes) > maxImageProcesses || len(in.Buildpacks) > maxImageProcesses {
		return image, kigo.Invalid("process_types and buildpacks may have %d entries each at most.", maxImageProcesses)
	}
	for typ, p := range in.ProcessTypes {
		if !kigo.ValidProcessType(typ) {
			return image, kigo.Invalid("%.80q is not a process type: use letters, digits, dashes and underscores, at most 63", typ)
		}
		if name := value(p.Name); name != "" && name != typ {
			return image, kigo.Invalid("process_types.%s has the name %.80q: it must be the same.", typ, name)
		}
		if strings.ContainsRune(value(p.Command), 0) {
			return image, kigo.Invalid("process_types.%s.command has a zero byte in it.", typ)
		}
		texts["process_types."+typ+".working_dir"] = value(p.WorkingDir)
		texts["process_types."+typ+".display_cmd"] = value(p.DisplayCmd)
		image.Processes[typ] = kigo.ImageProcess{Command: value(p.Command), Display: value(p.DisplayCmd), Dir: value(p.WorkingDir), Default: value(p.Default)}
	}
	for _, b := range in.Buildpacks {
		made := kigo.ImageBuildpack{ID: value(b.ID), Version: value(b.Version), Homepage: value(b.Homepage)}
		texts["buildpacks."+made.ID] = made.ID + made.Version + made.Homepage
		image.Buildpacks = append(image.Buildpacks, made)
	}
	for field, text := range texts {
		if !kigo.ValidImageText(text) {
			return image, kigo.Invalid("%.100s must be a text of at most %d bytes without zero bytes.", field, kigo.MaxImageText)
		}
	}
	return image, nil
}

// imageInfo answers with a list, as Heroku does: images of an id or of a digest.
func imageInfo(c *call) (reply, error) {
	image, err := c.ociImage(c.param("image"))
	return ok([]client.OCIImage{serializeImage(image)}), err
}

// ociImage finds an image of the app by its id or its digest, the newest first.
func (c *call) ociImage(which string) (image kigo.Slug, err error) {
	err = c.view(func(tx *store.Tx) error {
		all, err := tx.Slugs(c.app.ID)
		for _, s := range all {
			if s.OCI != nil && (string(s.ID) == which || s.OCI.Digest == which) {
				image = s
				return nil
			}
		}
		if err == nil {
			err = kigo.NotFound("OCI image")
		}
		return err
	})
	return image, err
}

func serializeImage(s kigo.Slug) client.OCIImage {
	out := client.OCIImage{
		ID: string(s.ID), CreatedAt: second(s.CreatedAt), UpdatedAt: second(s.CreatedAt), Commit: s.Commit, CommitDescription: s.CommitDescription,
		Stack: fixedRef("stack", s.Stack), ProcessTypes: map[string]client.ImageProcess{}, Buildpacks: []client.ImageBuildpack{},
	}
	if s.OCI == nil {
		return out
	}
	out.Digest, out.ImageRepo, out.BaseImageName, out.BaseTopLayer = s.OCI.Digest, s.OCI.Repo, s.OCI.BaseName, s.OCI.BaseTopLayer
	out.Architecture = optional(s.OCI.Architecture)
	for _, b := range s.OCI.Buildpacks {
		out.Buildpacks = append(out.Buildpacks, client.ImageBuildpack(b))
	}
	for typ, i := range s.Images {
		p := s.OCI.Processes[typ]
		command := p.Command
		if command == "" {
			i.Line = ""
			command = i.Command()
		}
		out.ProcessTypes[typ] = client.ImageProcess{Name: typ, DisplayCmd: s.ProcessTypes[typ], Command: command, WorkingDir: i.Dir, Default: &p.Default}
	}
	return out
}
