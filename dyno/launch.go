package dyno

import (
	"hash/fnv"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/kigo-dev/kigo"
)

// bootScript runs a process as Heroku does: the slug's profile scripts, the
// app's own .profile, then the command under a fresh shell.
const bootScript = `for f in /app/.profile.d/*.sh; do [ -r "$f" ] && . "$f"; done; unset f; [ -r /app/.profile ] && . /app/.profile; exec bash -c "$1"`

// path is PATH before profile scripts have added to it.
const path = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"

// Plan is what makes up one launch of a dyno.
type Plan struct {
	App      kigo.App
	Dyno     kigo.Dyno
	Release  kigo.Release
	Slug     kigo.Slug
	Config   kigo.ConfigVars
	Metadata bool // the dyno is told what it is
	Stack    kigo.Image
	Isolate  kigo.Isolation
	Binds    []kigo.Bind       // of the host's own settings, such as its resolver
	HostEnv  map[string]string // of the host's own settings, such as its CA bundle
}

// RunID names one launch of a dyno; every restart is a new one.
func RunID(d kigo.Dyno) kigo.DynoID {
	return d.ID + kigo.DynoID("-"+strconv.Itoa(d.Restarts))
}

// dynoOf is the dyno that a launch belongs to; empty for launches of builds.
func dynoOf(run kigo.DynoID) kigo.DynoID {
	if strings.HasPrefix(string(run), "build-") {
		return ""
	}
	i := strings.LastIndexByte(string(run), '-')
	if i < 0 {
		return ""
	}
	return run[:i]
}

// Launch says how the engine runs the dyno.
func (p Plan) Launch() (kigo.Launch, error) {
	size, err := kigo.FindSize(p.Dyno.Size)
	if err != nil {
		return kigo.Launch{}, err
	}
	l := kigo.Launch{
		ID: RunID(p.Dyno), App: p.App.ID, Name: p.Dyno.Name(), UIDBase: p.App.UIDBase,
		Stack: p.Stack, Slug: kigo.Image{Digest: p.Slug.Digest},
		Command: []string{"/bin/bash", "-c", bootScript, "bash", keepsEcho(p.Dyno.Command)},
		Memory:  size.Memory, Most: hardFactor * size.Memory, CPU: kigo.CPU{Shares: size.CPUShares, Quota: size.CPUQuota}, Pids: size.Pids, Scratch: size.Disk(),
		Grace: kigo.StopGrace, Binds: p.Binds, Isolate: p.Isolate,
	}
	if p.Dyno.Type == "web" && !p.Dyno.OneOff {
		l.Port, l.Boot = port(p.Dyno.ID), kigo.BootTimeout
	}
	if p.Dyno.Attach.Wanted {
		if p.Dyno.Attach.NoTTY {
			l.Stdin = true
		} else {
			l.TTY = &kigo.TTY{Rows: dimension(p.Dyno.Env["LINES"], 24), Cols: dimension(p.Dyno.Env["COLUMNS"], 80)}
		}
	}
	if image, ok := p.image(); ok {
		p.ofImage(&l, image)
	}
	l.Env = p.env(l.Port)
	return l, nil
}

// env is the complete environment: the host's settings, the app's config vars
// over them, a one-off's own over those, and last what the platform decides.
func (p Plan) env(port int) []string {
	vars := map[string]string{"HOME": "/app", "PATH": path, "PS1": `\[\033[01;34m\]\w\[\033[00m\] \[\033[01;32m\]$ \[\033[00m\]`, "LANG": "C.UTF-8"}
	maps.Copy(vars, p.HostEnv)
	image, isImage := p.image()
	for _, pair := range image.Env {
		if name, value, ok := strings.Cut(pair, "="); ok {
			vars[name] = value
		}
	}
	home := vars["HOME"]
	maps.Copy(vars, p.Config)
	maps.Copy(vars, p.Dyno.Env)
	maps.Copy(vars, p.metadata())
	vars["DYNO"] = p.Dyno.Name()
	if vars["HOME"] = "/app"; isImage {
		vars["HOME"] = home
	}
	if port > 0 {
		vars["PORT"] = strconv.Itoa(port)
	}
	env := make([]string, 0, len(vars))
	for _, name := range slices.Sorted(maps.Keys(vars)) {
		env = append(env, name+"="+vars[name])
	}
	return env
}

// port is where a web dyno should listen: an app cannot rely on a certain one,
// and one dyno keeps its own over restarts.
func port(id kigo.DynoID) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(id))
	return 3000 + int(h.Sum32()%56000)
}

// dimension reads a terminal dimension.
func dimension(s string, otherwise int) int {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > 1000 {
		return otherwise
	}
	return n
}
