package run

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/kigo-dev/kigo/buildpack"
	"github.com/kigo-dev/kigo/buildpack/container"
)

// ContainerMain builds the images of a job's source and returns the exit status.
func ContainerMain(ctx context.Context, args []string, stdout io.Writer) int {
	return main(args, stdout, func(r *Runner) bool { return r.Container(ctx) })
}

// ImageBuilder makes images of Dockerfiles. container.Buildah is the one in production.
type ImageBuilder interface {
	Build(ctx context.Context, o container.Order) (id string, err error)
	Export(ctx context.Context, id, layout, tag string) error
}

// Container builds what the source's heroku.yml asks for, writes the result file and
// returns whether all went well.
func (r *Runner) Container(ctx context.Context) bool {
	r.out = buildpack.Output{W: r.Out}
	r.out.Plain("=== Fetching app code")
	r.out.Plain("")
	return r.steps(ctx, []step{
		{"prepare folders", r.prepare},
		{"unpack the source", r.unpack},
		{"fetch submodules", r.submodules},
		{"read app.json", r.appJSON},
		{"read heroku.yml", r.herokuYML},
		{"find the base images", r.bases},
		{"build images", r.images},
	})
}

// noManifest is what Heroku says of an app without a heroku.yml.
func noManifest(stack string) error {
	return &failure{reason: "no heroku.yml", lines: []string{
		"=!= Your app does not include a heroku.yml build manifest. To deploy your app, either create a heroku.yml: https://devcenter.heroku.com/articles/build-docker-images-heroku-yml",
		"Or change your stack by running: 'heroku stack:set " + stack + "'",
	}}
}

func (r *Runner) herokuYML(context.Context) error {
	text, err := r.sourceFile(container.File, container.MaxFile)
	if errors.Is(err, fs.ErrNotExist) {
		return noManifest(r.Job.Images.DefaultStack)
	}
	if err == nil {
		r.manifestYML, err = container.Parse(text)
	}
	if err != nil {
		return reject("Push rejected, heroku.yml cannot be used: %s", err)
	}
	root, err := os.OpenRoot(r.Job.Layout.Build)
	if err != nil {
		return err
	}
	defer root.Close()
	for _, image := range r.manifestYML.Images {
		st, err := root.Stat(image.Dockerfile)
		if err != nil || !st.Mode().IsRegular() {
			return reject("Push rejected, heroku.yml names %s for build.docker.%s, and the source has no such file", image.Dockerfile, image.Name)
		}
	}
	return nil
}

// maxDockerfile bounds what of a Dockerfile is looked at for its bases.
const maxDockerfile = 1 << 20

// bases refuses images that no registry in reach has, before a builder tries for minutes.
func (r *Runner) bases(ctx context.Context) error {
	relay := container.Relay{Socket: r.Job.Images.Socket}
	var checked []string
	for _, image := range r.manifestYML.Images {
		text, err := r.sourceFile(image.Dockerfile, maxDockerfile)
		if err != nil {
			return err
		}
		for _, name := range container.Bases(string(text), r.manifestYML.Args) {
			if slices.Contains(checked, name) {
				continue
			}
			checked = append(checked, name)
			if err := r.base(ctx, &relay, image, name); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *Runner) base(ctx context.Context, relay *container.Relay, image container.Image, name string) error {
	ref := container.ParseReference(name)
	where := fmt.Sprintf("%s begins with the image %s", image.Dockerfile, name)
	if slices.Contains(r.Job.Images.Hosts, ref.Host) {
		if relay.Has(ctx, ref.Name, ref.Tag, container.OwnLimit) {
			return nil
		}
		return reject("Push rejected, %s, and nothing was pushed there that this app may use", where)
	}
	if ref.Host == "docker.io" && (relay.Has(ctx, ref.Name, ref.Tag, container.OwnLimit) || r.Job.Images.Mirror && relay.Has(ctx, buildpack.ImageMirror+ref.Name, ref.Tag, container.MirrorLimit)) {
		return nil
	}
	what, address := "its registry", "https://"+ref.Host+"/v2/"
	if ref.Host == "docker.io" {
		what, address = "Docker Hub", "https://registry-1.docker.io/v2/"
	}
	err := buildpack.Reach(ctx, what, address)
	if err == nil {
		return nil
	}
	f := &failure{reason: "base image " + name + " is out of reach", lines: []string{
		"", " !     Push rejected, " + where + ", which cannot be had:", " !     " + strings.TrimSuffix(err.Error(), "."),
		" !     This server itself has " + strings.Join(r.Job.Images.Stacks, ", ") + ", and what was pushed to its registry for this app.", ""}}
	return f
}

// images builds each Dockerfile once for each of its targets, and writes all images to
// where the platform takes them.
func (r *Runner) images(ctx context.Context) error {
	relay := container.Relay{Socket: r.Job.Images.Socket}
	address, err := relay.Listen(ctx)
	if err != nil {
		return err
	}
	defer relay.Close() //nolint:errcheck // it ends with the sandbox
	builder := r.Builder
	if builder == nil {
		b := container.Buildah{Dir: r.Job.Images.Work, Env: r.Job.HostEnv, Mirrors: mirrors(r.Job.Images, address)}
		if err := b.Prepare(); err != nil {
			return err
		}
		builder = b
	}
	built := map[container.Image]string{}
	for _, image := range r.manifestYML.Images {
		key := container.Image{Dockerfile: image.Dockerfile, Target: image.Target}
		if _, ok := built[key]; !ok {
			if built[key], err = r.image(ctx, builder, image); err != nil {
				return err
			}
		}
		r.out.Plain("=== Pushing %s (%s)", image.Name, image.Dockerfile)
		if err := builder.Export(ctx, built[key], r.Job.Images.Layout, image.Name); err != nil {
			return fmt.Errorf("export %s: %w", image.Name, err)
		}
		r.result.Images = append(r.result.Images, image.Name)
	}
	for _, p := range r.manifestYML.Processes {
		r.result.Processes = append(r.result.Processes, buildpack.Process(p))
	}
	r.out.Plain("")
	return nil
}

func (r *Runner) image(ctx context.Context, builder ImageBuilder, image container.Image) (string, error) {
	r.out.Plain("=== Building %s (%s)", image.Name, image.Dockerfile)
	w := &watcher{w: r.Out}
	id, err := builder.Build(ctx, container.Order{Source: r.Job.Layout.Build, Image: image, Args: r.manifestYML.Args, Out: w})
	w.endLine()
	r.out.Plain("")
	if errors.Is(err, container.ErrStep) {
		return "", reject("Push rejected, %s for %s does not build: its own words are above", image.Dockerfile, image.Name)
	}
	return id, err
}

// mirrors say which images are asked of the platform first: its own, those of its stacks,
// and with an operator's mirror those of Docker Hub.
func mirrors(in buildpack.ImageJob, relay string) []container.Mirror {
	var all []container.Mirror
	for _, host := range in.Hosts {
		all = append(all, container.Mirror{Prefix: host, Location: relay, Only: true})
	}
	for _, stack := range in.Stacks {
		name, _, _ := strings.Cut(stack, ":")
		own := []container.Mirror{{Prefix: "docker.io/" + name, Location: relay + "/" + name}}
		if in.Mirror {
			own = append(own, container.Mirror{Prefix: "docker.io/" + name, Location: relay + "/" + buildpack.ImageMirror + name})
		}
		if !slices.Contains(all, own[0]) {
			all = append(all, own...)
		}
	}
	if in.Mirror {
		all = append(all, container.Mirror{Prefix: "docker.io", Location: relay + "/" + strings.TrimSuffix(buildpack.ImageMirror, "/")})
	}
	return all
}
