// Package container builds an app's container images from its source: it reads
// heroku.yml and has Dockerfiles built.
//
// It runs inside a build's sandbox, and owns nothing outside of it. It promises that a
// heroku.yml is taken whole or refused with the line and what to write instead, and that a
// base image that cannot be had is told in a line within a minute. Start reading at Parse,
// then Buildah.Build.
package container

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/kigo-dev/kigo"
)

// File is the name of the manifest, and MaxFile how many bytes it may have.
const (
	File    = "heroku.yml"
	MaxFile = 64 << 10
)

// typeRelease runs before a release becomes current.
const typeRelease = "release"

var argName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// maxImages is how many images a manifest may ask for.
const maxImages = 20

// Manifest is what a heroku.yml asks for.
type Manifest struct {
	Images    []Image           // in their order
	Args      map[string]string // ARGs of Dockerfiles
	Processes []Process         // in their order; release among them
}

// Image is a Dockerfile to build. Folder, which is the context, and Dockerfile are within
// the source.
type Image struct {
	Name       string // the process type that it is named after
	Dockerfile string
	Target     string // stage; empty: the last
}

// Process is a process type: a command on an image.
type Process struct {
	Type    string
	Image   string
	Command string // empty: the image's own
}

// Parse reads a heroku.yml. An error says in which line what is wrong.
func Parse(text []byte) (Manifest, error) {
	if len(text) > MaxFile {
		return Manifest{}, fmt.Errorf("it has more than %d bytes", MaxFile)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return Manifest{}, fmt.Errorf("it is not YAML: %s", strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if len(doc.Content) == 0 {
		return Manifest{}, fmt.Errorf("it is empty: name a Dockerfile, as build: docker: web: Dockerfile")
	}
	p := parser{}
	p.whole(doc.Content[0])
	if p.err != nil {
		return Manifest{}, p.err
	}
	return p.m, p.m.settle()
}

// parser keeps the first error; what follows it means nothing.
type parser struct {
	m   Manifest
	err error
}

func (p *parser) fail(n *yaml.Node, format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf("line %d: %s", n.Line, fmt.Sprintf(format, args...))
	}
}

// each calls f for each pair of a mapping.
func (p *parser) each(n *yaml.Node, what string, f func(key, value *yaml.Node)) {
	if n.Kind != yaml.MappingNode {
		p.fail(n, "%s must be a mapping, of names and what belongs to them", what)
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content) && p.err == nil; i += 2 {
		key := n.Content[i]
		if seen[key.Value] {
			p.fail(key, "%s has %q twice", what, key.Value)
		}
		seen[key.Value] = true
		f(key, n.Content[i+1])
	}
}

func (p *parser) text(n *yaml.Node, what string) string {
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		p.fail(n, "%s must be a text", what)
		return ""
	}
	if strings.ContainsRune(n.Value, 0) {
		p.fail(n, "%s has a zero byte in it", what)
	}
	return n.Value
}

func (p *parser) whole(n *yaml.Node) {
	p.each(n, File, func(key, value *yaml.Node) {
		switch key.Value {
		case "setup": // add-ons and config vars: they are made with the app, not by a build
			p.each(value, "setup", func(*yaml.Node, *yaml.Node) {})
		case "build":
			p.build(value)
		case "release":
			p.process(typeRelease, value)
		case "run":
			p.each(value, "run", func(key, value *yaml.Node) {
				if key.Value == typeRelease {
					p.fail(key, "the release phase is described by release:, beside run:, not in it")
				}
				p.process(key.Value, value)
			})
		default:
			p.fail(key, "%q is not known: use setup, build, release and run", key.Value)
		}
	})
}

func (p *parser) build(n *yaml.Node) {
	p.each(n, "build", func(key, value *yaml.Node) {
		switch key.Value {
		case "docker":
			p.each(value, "build.docker", p.image)
		case "config":
			p.m.Args = map[string]string{}
			p.each(value, "build.config", func(key, value *yaml.Node) {
				if !argName.MatchString(key.Value) {
					p.fail(key, "%q in build.config is not a name of an ARG: use letters, digits and underscores", key.Value)
				}
				p.m.Args[key.Value] = p.text(value, "build.config."+key.Value)
			})
		default:
			p.fail(key, "build.%s is not known: use docker and config", key.Value)
		}
	})
}

func (p *parser) image(key, value *yaml.Node) {
	what := "build.docker." + key.Value
	if !kigo.ValidProcessType(key.Value) {
		p.fail(key, "%q in build.docker is not a process type: use letters, digits, dashes and underscores", key.Value)
		return
	}
	image := Image{Name: key.Value, Dockerfile: "Dockerfile"}
	if value.Kind == yaml.MappingNode {
		p.each(value, what, func(key, value *yaml.Node) {
			switch key.Value {
			case "dockerfile":
				image.Dockerfile = p.text(value, what+".dockerfile")
			case "target":
				image.Target = p.text(value, what+".target")
			default:
				p.fail(key, "%s.%s is not known: use dockerfile and target", what, key.Value)
			}
		})
	} else {
		image.Dockerfile = p.text(value, what)
	}
	clean := path.Clean("/" + image.Dockerfile)[1:]
	if path.IsAbs(image.Dockerfile) || path.Clean(image.Dockerfile) != clean {
		p.fail(value, "%s is %q, which is not within the source: write a path from its root, such as worker/Dockerfile", what, image.Dockerfile)
	}
	if strings.HasPrefix(image.Target, "-") {
		p.fail(value, "%s.target is %q, which is not the name of a stage", what, image.Target)
	}
	image.Dockerfile = clean
	if p.m.Images = append(p.m.Images, image); len(p.m.Images) > maxImages {
		p.fail(key, "build.docker has more than %d images", maxImages)
	}
}

// process reads a command, or a mapping of a command and an image.
func (p *parser) process(typ string, n *yaml.Node) {
	what := typ
	if typ != typeRelease {
		what = "run." + typ
		if !kigo.ValidProcessType(typ) {
			p.fail(n, "%q in run is not a process type: use letters, digits, dashes and underscores", typ)
			return
		}
	}
	process := Process{Type: typ}
	if n.Kind != yaml.MappingNode {
		process.Command = p.command(n, what)
	} else {
		p.each(n, what, func(key, value *yaml.Node) {
			switch key.Value {
			case "command":
				process.Command = p.command(value, what+".command")
			case "image":
				process.Image = p.text(value, what+".image")
			default:
				p.fail(key, "%s.%s is not known: use command and image", what, key.Value)
			}
		})
	}
	if process.Command == "" && process.Image == "" {
		p.fail(n, "%s says neither a command nor an image", what)
	}
	if p.m.Processes = append(p.m.Processes, process); len(p.m.Processes) > kigo.MaxProcessTypes {
		p.fail(n, "%s is one process type too many, the maximum is %d", what, kigo.MaxProcessTypes)
	}
}

// command is a text, or a list of texts that are joined to one line, as Heroku does.
func (p *parser) command(n *yaml.Node, what string) string {
	var words []string
	switch n.Kind {
	case yaml.SequenceNode:
		for _, word := range n.Content {
			words = append(words, p.text(word, what))
		}
	default:
		words = []string{p.text(n, what)}
	}
	line := strings.TrimSpace(strings.Join(words, " "))
	if line == "" {
		p.fail(n, "%s is empty", what)
	}
	if len(line) > kigo.MaxCommand {
		p.fail(n, "%s has more than %d bytes", what, kigo.MaxCommand)
	}
	return line
}

// settle gives each process its image, and each image that no process names its own.
func (m *Manifest) settle() error {
	if len(m.Images) == 0 {
		return fmt.Errorf("it names no Dockerfile: write build: docker: web: Dockerfile")
	}
	has := func(name string) bool {
		return slices.ContainsFunc(m.Images, func(i Image) bool { return i.Name == name })
	}
	taken := map[string]bool{} // names that need no process type of their own
	for i, p := range m.Processes {
		switch {
		case p.Image != "" && !has(p.Image):
			return fmt.Errorf("%s runs on the image %q, which build.docker does not have", p.Type, p.Image)
		case p.Image != "":
			taken[p.Image] = taken[p.Image] || p.Type != typeRelease && p.Image != "web"
		case has(p.Type):
			m.Processes[i].Image = p.Type
		case has("web"):
			m.Processes[i].Image = "web"
		case len(m.Images) == 1:
			m.Processes[i].Image = m.Images[0].Name
		default:
			return fmt.Errorf("%s does not say which image it runs on: add image: and a name of build.docker", p.Type)
		}
		taken[p.Type] = true
	}
	for _, image := range m.Images {
		if !taken[image.Name] {
			m.Processes = append(m.Processes, Process{Type: image.Name, Image: image.Name})
		}
	}
	return nil
}
