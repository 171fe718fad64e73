package server

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path"
	"runtime"
	"slices"
	"strings"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/registry"
	"github.com/kigo-dev/kigo/slug"
)

// containerImages makes what was pushed to the registry into what dynos run.
type containerImages struct{ *node }

// Adopt finds the image of that id in the repository of an app's process type, and
// flattens it. What the image's config says of its process comes with it.
func (n containerImages) Adopt(ctx context.Context, app kigo.App, typ, id string) (kigo.ContainerImage, error) {
	image, err := n.find(ctx, app, typ, id)
	if err == nil && image.Command() == "" {
		err = kigo.Invalid("The image has neither ENTRYPOINT nor CMD: there is nothing to run.")
	}
	return image, err
}

// find is Adopt of an image that may have nothing to run.
func (n containerImages) find(ctx context.Context, app kigo.App, typ, id string) (kigo.ContainerImage, error) {
	pushed, err := n.registry.Image(repositoryKey(app.ID, typ), id)
	if e := (*registry.Error)(nil); errors.As(err, &e) {
		return kigo.ContainerImage{}, kigo.Invalid("The image %.100s of %s/%s cannot be released: %s.", id, app.Name, typ, e.Message)
	}
	if err != nil {
		return kigo.ContainerImage{}, err
	}
	image, user, err := readImageConfig(pushed.Config)
	if err != nil {
		return image, err
	}
	image.ID = id
	var layers []*os.File
	defer func() {
		for _, f := range layers {
			_ = f.Close()
		}
	}()
	for _, file := range pushed.Layers {
		f, err := os.Open(file)
		if err != nil {
			return image, err
		}
		layers = append(layers, f)
	}
	flat, err := n.slugs.PackLayers(ctx, layers, slug.LayersOptions{UID: slug.AppUID(app.UIDBase), User: user})
	if err != nil {
		return image, err
	}
	image.Root, image.App = flat.Root.Digest, flat.App.Digest
	return image, nil
}

// architecture is what images must be for, in their own words.
const architecture = runtime.GOARCH

// imageConfig is what matters of an image's config.
type imageConfig struct {
	OS           string `json:"os"`
	Architecture string `json:"architecture"`
	Config       struct {
		User       string   `json:"User"`
		Env        []string `json:"Env"`
		Entrypoint []string `json:"Entrypoint"`
		Cmd        []string `json:"Cmd"`
		WorkingDir string   `json:"WorkingDir"`

		Labels map[string]string `json:"Labels"`
	} `json:"config"`
}

const maxImageWords = 64 << 10

func readImageConfig(text []byte) (image kigo.ContainerImage, user string, err error) {
	var c imageConfig
	if err := json.Unmarshal(text, &c); err != nil {
		return image, "", kigo.Invalid("The image's config is not what it should be: %v.", err)
	}
	size := len(c.Config.User) + len(c.Config.WorkingDir)
	for _, list := range [][]string{c.Config.Env, c.Config.Entrypoint, c.Config.Cmd} {
		for _, word := range list {
			size += len(word) + 1
			if strings.ContainsRune(word, 0) {
				return image, "", kigo.Invalid("The image's config has a zero byte in %.60q.", word)
			}
		}
	}
	switch {
	case c.OS != "" && c.OS != "linux":
		return image, "", kigo.Invalid("The image is for %.30q: dynos run linux.", c.OS)
	case c.Architecture != "" && c.Architecture != architecture:
		return image, "", kigo.Invalid("The image is for the architecture %.30q: this machine is %s. Build it with --platform linux/%s.", c.Architecture, architecture, architecture)
	case size > maxImageWords:
		return image, "", kigo.Invalid("The image's ENV, ENTRYPOINT and CMD have %d bytes: %d are the most.", size, maxImageWords)
	case strings.ContainsRune(c.Config.WorkingDir, 0):
		return image, "", kigo.Invalid("The image's WORKDIR is not a path.")
	}
	if slices.Equal(c.Config.Entrypoint, []string{""}) { // how docker writes that there shall be none
		c.Config.Entrypoint = nil
	}
	if words := slices.Concat(c.Config.Entrypoint, c.Config.Cmd); len(words) > 0 && words[0] == "" {
		return image, "", kigo.Invalid("The image's ENTRYPOINT or CMD begins with an empty word: there is no such program.")
	}
	return kigo.ContainerImage{
		Entrypoint: c.Config.Entrypoint, Cmd: c.Config.Cmd, Env: c.Config.Env, Dir: path.Clean("/" + c.Config.WorkingDir),
	}, c.Config.User, nil
}
