package run

import (
	"context"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kigo-dev/kigo/buildpack"
)

const articles = "https://devcenter.heroku.com/articles/"

// choose asks every built-in buildpack; the first that agrees wins.
func (r *Runner) choose(ctx context.Context) error {
	var agreed []*pack
	for i, name := range buildpack.Order {
		ref, ok := r.candidate(name)
		if !ok {
			continue
		}
		p, err := r.get(ctx, i, ref)
		if err != nil {
			return err
		}
		if isFallback(p) && len(agreed) > 0 {
			break
		}
		if ok, _ := r.detect(ctx, p); ok {
			agreed = append(agreed, p)
		}
	}
	if len(agreed) == 0 {
		return &failure{reason: "no default language could be detected for this app", lines: []string{
			" !     No default language could be detected for this app.",
			"\t\t\tHINT: This occurs when Heroku cannot detect the buildpack to use for this application automatically.",
			"\t\t\tSee " + articles + "buildpacks",
			"",
		}}
	}
	if len(agreed) > 1 {
		var names []string
		for _, p := range agreed {
			names = append(names, p.language)
		}
		r.out.Warn("Warning: Multiple default buildpacks reported the ability to handle this app. The first buildpack in the list below will be used.")
		r.out.Plain("\t\t\tDetected buildpacks: %s", strings.Join(names, ","))
		r.out.Plain("\t\t\tSee %sbuildpacks#buildpack-detect-order", articles)
	}
	r.packs = agreed[:1]
	r.result.Detected, r.result.Fallback = true, isFallback(agreed[0])
	return nil
}

// candidate is the operator's buildpack of a name, or the built-in one.
func (r *Runner) candidate(name string) (buildpack.Ref, bool) {
	if ref, ok := r.own("heroku/" + name); ok {
		return ref, true
	}
	return buildpack.Ref{Name: "heroku/" + name, Builtin: name}, slices.Contains(buildpack.Builtins, name)
}

// detect calls bin/detect and remembers the language that it names. Its output
// is what a user reads when it refuses an app that it was set for.
func (r *Runner) detect(ctx context.Context, p *pack) (bool, string) {
	cmd := r.step(p, "detect", r.Job.Layout.Build)
	heard := listen(cmd)
	err := runStep(ctx, cmd)
	said, all := heard.text()
	if err != nil {
		return false, all
	}
	first, _, _ := strings.Cut(strings.TrimSpace(said), "\n")
	if p.language = strings.TrimSpace(first); p.language == "" {
		p.language = filepath.Base(p.ref.Name)
	}
	return true, ""
}

// refuse tells that a buildpack which the app asked for does not want it.
func (r *Runner) refuse(p *pack, output string) error {
	r.out.Title("App not compatible with buildpack: %s", p.ref.Name)
	if output = strings.TrimSpace(output); output != "" {
		r.out.Line("%s", output)
	}
	return &failure{reason: "app not compatible with buildpack: " + p.ref.Name, lines: []string{
		"       More info: " + articles + "buildpacks#detection-failure", "",
	}}
}
