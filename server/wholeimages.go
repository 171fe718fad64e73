package server

import (
	"context"
	"encoding/json"
	"errors"
	"path"
	"strings"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/registry"
)

// Whole adopts an image for all its process types: those that it is told, else those that
// Cloud Native Buildpacks wrote into its labels, else its own as web.
func (n containerImages) Whole(ctx context.Context, app kigo.App, typ string, about kigo.OCIImage) (kigo.Slug, error) {
	if about.Architecture != "" && about.Architecture != architecture {
		return kigo.Slug{}, kigo.Invalid("architecture is %.30q: this machine is %s.", about.Architecture, architecture)
	}
	pushed, err := n.registry.Image(repositoryKey(app.ID, typ), about.Digest)
	if e := (*registry.Error)(nil); errors.As(err, &e) {
		return kigo.Slug{}, kigo.Invalid("The image %.100s of %s cannot be used: %s.", about.Digest, about.Repo, e.Message)
	}
	if err != nil {
		return kigo.Slug{}, err
	}
	withLabels(&about, pushed.Config)
	image, err := n.find(ctx, app, typ, about.Digest)
	if err != nil {
		return kigo.Slug{}, err
	}
	return wholeSlug(image, about)
}

// wholeSlug is the slug of an image with the process types that are known of it.
func wholeSlug(image kigo.ContainerImage, about kigo.OCIImage) (kigo.Slug, error) {
	s := kigo.Slug{OCI: &about, Digest: image.Root, ProcessTypes: map[string]string{}, Images: map[string]kigo.ContainerImage{}}
	if len(about.Processes) == 0 {
		about.Processes["web"] = kigo.ImageProcess{Default: true}
	}
	for typ, p := range about.Processes {
		own := image
		own.Line = p.Display
		if p.Command != "" {
			own.Entrypoint, own.Cmd = nil, []string{"/bin/sh", "-c", p.Command}
			if strings.HasPrefix(p.Command, "/") && !strings.ContainsAny(p.Command, " \t\n\"'\\$&|;<>()*?#~`") {
				own.Cmd = []string{p.Command} // a program, which needs no shell
			}
			if own.Line == "" {
				own.Line = p.Command
			}
		}
		if p.Dir != "" {
			own.Dir = path.Clean("/" + p.Dir)
		}
		if own.Command() == "" {
			return s, kigo.Invalid("The process type %s has no command, and the image neither ENTRYPOINT nor CMD: there is nothing to run.", typ)
		}
		s.Images[typ], s.ProcessTypes[typ] = own, own.Command()
	}
	return s, nil
}

// Labels that the lifecycle of Cloud Native Buildpacks gives an image.
const (
	labelBuild     = "io.buildpacks.build.metadata"
	labelLifecycle = "io.buildpacks.lifecycle.metadata"
)

// launcher is where such an image has a program for each of its process types.
const launcher = "/cnb/process/"

// maxLabelled is how many process types and buildpacks of labels are looked at.
const maxLabelled = 100

// withLabels adds what the image's labels tell and nobody has told otherwise. The image's
// maker wrote them: what does not fit is left out.
func withLabels(about *kigo.OCIImage, config []byte) {
	var c imageConfig
	if json.Unmarshal(config, &c) != nil {
		return
	}
	var build struct {
		Processes []struct {
			Type    string          `json:"type"`
			Command json.RawMessage `json:"command"` // a text, or since API 0.10 a list of texts
			Args    []string        `json:"args"`
			Default bool            `json:"default"`
			Dir     string          `json:"working-dir"`
		} `json:"processes"`
		Buildpacks []kigo.ImageBuildpack `json:"buildpacks"`
	}
	if json.Unmarshal([]byte(c.Config.Labels[labelBuild]), &build) == nil {
		if len(about.Processes) == 0 {
			for _, p := range build.Processes[:min(len(build.Processes), maxLabelled)] {
				var words []string
				if json.Unmarshal(p.Command, &words) != nil {
					var word string
					_ = json.Unmarshal(p.Command, &word) // what is neither shows as its arguments
					words = []string{word}
				}
				if kigo.ValidProcessType(p.Type) && kigo.ValidImageText(p.Dir) {
					about.Processes[p.Type] = kigo.ImageProcess{
						Command: launcher + p.Type, Display: fitting(strings.TrimSpace(strings.Join(append(words, p.Args...), " "))), Dir: p.Dir, Default: p.Default,
					}
				}
			}
		}
		if len(about.Buildpacks) == 0 {
			for _, b := range build.Buildpacks[:min(len(build.Buildpacks), maxLabelled)] {
				if kigo.ValidImageText(b.ID + b.Version + b.Homepage) {
					about.Buildpacks = append(about.Buildpacks, b)
				}
			}
		}
	}
	var lifecycle struct {
		RunImage struct {
			Reference string `json:"reference"`
			TopLayer  string `json:"topLayer"`
		} `json:"runImage"`
	}
	if json.Unmarshal([]byte(c.Config.Labels[labelLifecycle]), &lifecycle) == nil {
		if about.BaseName == "" {
			about.BaseName = fitting(lifecycle.RunImage.Reference)
		}
		if about.BaseTopLayer == "" {
			about.BaseTopLayer = fitting(lifecycle.RunImage.TopLayer)
		}
	}
	if about.Architecture == "" {
		about.Architecture = fitting(c.Architecture)
	}
}

// fitting is a text that fits, or none.
func fitting(text string) string {
	if kigo.ValidImageText(text) {
		return text
	}
	return ""
}
