package server

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/buildpack"
	"github.com/kigo-dev/kigo/registry"
	"github.com/kigo-dev/kigo/stack"
)

// dockerfiles is what builds of Dockerfiles have of the platform.
type dockerfiles struct{ *node }

// Root is the root in which they are built.
func (n dockerfiles) Root(ctx context.Context) (kigo.Image, error) {
	return stack.Tools(ctx, n.stacks.Dir)
}

// About names what the registry has for them.
func (n dockerfiles) About(kigo.App) buildpack.ImageJob {
	job := buildpack.ImageJob{DefaultStack: n.cfg.Stack, Mirror: n.cfg.ImageMirror != "", Hosts: n.registryHosts()}
	for _, tag := range n.baseTags() {
		job.Stacks = append(job.Stacks, stackRepository+":"+tag.name)
	}
	return job
}

// registryHosts are the names that clients know the registry by.
func (n *node) registryHosts() []string {
	api := n.child.Addresses["api"]
	hosts := []string{api, "registry." + n.cfg.Domain}
	if _, port, err := net.SplitHostPort(api); err == nil {
		hosts = append(hosts, "registry."+n.cfg.Domain+":"+port, "localhost:"+port, "127.0.0.1:"+port)
	}
	slices.Sort(hosts)
	return slices.Compact(hosts)
}

// mirrored are the paths that a build may ask the operator's mirror for: images alone, as
// the request carries the operator's password.
var mirrored = regexp.MustCompile(`^/v2/` + regexp.QuoteMeta(buildpack.ImageMirror) + `[a-z0-9]+((\.|_|__|-+|/)[a-z0-9]+)*/(manifests|blobs)/[A-Za-z0-9_][A-Za-z0-9._:+-]*$`)

// Registry is the registry as a build of the app may read it: the app's own repositories,
// the images of stacks, and what the operator's mirror has.
func (n dockerfiles) Registry(app kigo.App) http.Handler {
	own := &registry.Registry{Dir: n.registry.Dir, Realm: "kigo", Access: func(r *http.Request, name string, write bool) (string, error) {
		owner, typ, _ := strings.Cut(name, "/")
		switch {
		case write:
			return "", registry.Denied("A build reads images and pushes none: what it makes becomes the app's.")
		case name == "":
			return "", nil
		case name == stackRepository:
			return stackKey, n.ensureBase(r)
		case (owner == app.Name || owner == string(app.ID)) && kigo.ValidProcessType(typ):
			return repositoryKey(app.ID, typ), nil
		}
		return "", registry.Unknown(name)
	}}
	mirror, err := url.Parse(n.cfg.ImageMirror)
	if n.cfg.ImageMirror == "" || err != nil {
		return own
	}
	proxy := mirrorProxy(mirror)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		read := r.Method == http.MethodGet || r.Method == http.MethodHead
		if read && mirrored.MatchString(r.URL.Path) {
			proxy.ServeHTTP(w, r)
			return
		}
		own.ServeHTTP(w, r)
	})
}

// passedOn are the headers of a build's request that the mirror gets to see.
var passedOn = []string{"Accept", "Accept-Encoding", "If-None-Match", "If-Range", "Range", "User-Agent"}

// mirrorProxy asks the operator's mirror with the operator's password. Of the build's own
// request it passes on the path and what passedOn names; of answers everything but cookies.
func mirrorProxy(mirror *url.URL) http.Handler {
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(mirror)
			r.Out.URL.Path = strings.TrimSuffix(mirror.Path, "/") + "/v2/" + strings.TrimPrefix(r.In.URL.Path, "/v2/"+buildpack.ImageMirror)
			r.Out.URL.RawPath, r.Out.URL.RawQuery = "", mirror.RawQuery
			r.Out.Header = http.Header{}
			r.Out.Body, r.Out.ContentLength, r.Out.TransferEncoding, r.Out.Trailer = http.NoBody, 0, nil, nil
			for _, name := range passedOn {
				r.Out.Header[name] = r.In.Header[name]
			}
			if password, ok := mirror.User.Password(); ok {
				r.Out.SetBasicAuth(mirror.User.Username(), password)
			}
		},
		ModifyResponse: func(r *http.Response) error {
			r.Header.Del("Set-Cookie")
			return nil
		},
	}
}

// Take adopts the images that a build made, as if they had been pushed, and says what
// runs on them. Of a build that cannot be used nothing stays.
func (n dockerfiles) Take(ctx context.Context, app kigo.App, layout *os.Root, images []string, processes []buildpack.Process) (made kigo.Slug, err error) {
	took := taking{dockerfiles: n, app: app, manifests: map[string]string{}, ids: map[string]string{}, made: map[string]kigo.ContainerImage{}}
	for _, name := range images {
		if err = took.image(ctx, layout, name); err != nil {
			break
		}
	}
	if err == nil {
		err = took.flatten(ctx)
	}
	if err == nil {
		made, err = took.slug(processes)
	}
	for name, manifest := range took.manifests {
		repository := n.registry.Repository(repositoryKey(app.ID, name))
		if err != nil {
			err = errors.Join(err, repository.Drop(manifest))
		} else {
			err = repository.Tag("latest", manifest)
		}
	}
	return made, err
}

// taking is what was taken so far: manifests and ids of images, by their names.
type taking struct {
	dockerfiles
	app            kigo.App
	manifests, ids map[string]string
	made           map[string]kigo.ContainerImage // by their ids
}

func (t *taking) image(ctx context.Context, layout *os.Root, name string) error {
	if !kigo.ValidProcessType(name) {
		return kigo.Invalid("%.80q is not the name of an image: use letters, digits, dashes and underscores.", name)
	}
	manifest, id, err := t.registry.Repository(repositoryKey(t.app.ID, name)).Import(ctx, layout, name)
	if e := (*registry.Error)(nil); errors.As(err, &e) {
		return kigo.Invalid("The image %s that was built cannot be used: %s.", name, e.Message)
	}
	if err != nil {
		return err
	}
	t.manifests[name], t.ids[name] = manifest, id
	return nil
}

// flatten makes each image into what dynos run, once, and several at a time.
func (t *taking) flatten(ctx context.Context) error {
	names := map[string]string{}
	for name, id := range t.ids {
		names[id] = name
	}
	all, ctx := errgroup.WithContext(ctx)
	var mu sync.Mutex
	for id, name := range names {
		all.Go(func() error {
			image, err := containerImages(t.dockerfiles).find(ctx, t.app, name, id)
			mu.Lock()
			defer mu.Unlock()
			t.made[id] = image
			return err
		})
	}
	return all.Wait()
}

func (t *taking) slug(processes []buildpack.Process) (kigo.Slug, error) {
	made := kigo.Slug{ProcessTypes: map[string]string{}, Images: map[string]kigo.ContainerImage{}}
	for _, p := range processes {
		image, ok := t.made[t.ids[p.Image]]
		if !ok || !kigo.ValidProcessType(p.Type) {
			return made, kigo.Invalid("The process type %.80q runs on the image %.80q, which was not built.", p.Type, p.Image)
		}
		if p.Command != "" {
			image.Cmd, image.Line = []string{"/bin/sh", "-c", p.Command}, p.Command
		}
		if image.Command() == "" {
			return made, kigo.Invalid("The image of %s has neither ENTRYPOINT nor CMD, and heroku.yml no command for it under run: there is nothing to run.", p.Type)
		}
		made.Images[p.Type], made.ProcessTypes[p.Type], made.Digest = image, image.Command(), image.Root
	}
	return made, nil
}
