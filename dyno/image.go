package dyno

import (
	"maps"
	"slices"

	"github.com/kigo-dev/kigo"
)

// image is the container image that the dyno runs: its process type's, or, for a
// one-off, web's or else the first.
func (p Plan) image() (image kigo.ContainerImage, ok bool) {
	if image, ok = p.Slug.Images[p.Dyno.Type]; ok {
		return image, true
	}
	if image, ok = p.Slug.Images["web"]; ok {
		return image, true
	}
	for _, name := range slices.Sorted(maps.Keys(p.Slug.Images)) {
		return p.Slug.Images[name], true
	}
	return image, false
}

// ofImage makes a launch of an image out of one of a slug: its own root, which it may write
// to, and its own process as it is, without a shell, which it may not have. The command of a one-off goes
// in the place of CMD.
func (p Plan) ofImage(l *kigo.Launch, image kigo.ContainerImage) {
	l.Stack, l.Slug = kigo.Image{Digest: image.Root}, kigo.Image{Digest: image.App}
	l.Dir, l.Mutable = image.Dir, true
	own := image.Command()
	switch {
	case p.Dyno.Command == own || p.Dyno.Command == "":
		l.Command = append(slices.Clone(image.Entrypoint), image.Cmd...)
	case len(image.Entrypoint) > 0 && p.Dyno.OneOff:
		l.Command = append(slices.Clone(image.Entrypoint), "/bin/sh", "-c", p.Dyno.Command)
	default:
		l.Command = []string{"/bin/sh", "-c", p.Dyno.Command}
	}
}
