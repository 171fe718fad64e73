package container

import (
	"regexp"
	"slices"
	"strings"
)

// Bases lists the images that a Dockerfile begins with or copies from, but for its own
// stages and scratch, in their order. What it cannot read, the builder will tell.
func Bases(dockerfile string, args map[string]string) []string {
	stages := map[string]bool{"scratch": true}
	values := map[string]string{} // of the ARGs before the first FROM, which alone count in one
	var bases []string
	add := func(name string) {
		if name != "" && !stages[strings.ToLower(name)] && !slices.Contains(bases, name) {
			bases = append(bases, name)
		}
	}
	first := true
	for _, line := range instructions(dockerfile) {
		words := strings.Fields(line)
		switch strings.ToUpper(words[0]) {
		case "ARG":
			for _, w := range words[1:] {
				name, value, _ := strings.Cut(w, "=")
				if given, ok := args[name]; ok {
					value = given
				}
				if first {
					values[name] = strings.Trim(value, `"'`)
				}
			}
		case "FROM":
			first = false
			words = slices.DeleteFunc(words[1:], func(w string) bool { return strings.HasPrefix(w, "--") })
			if len(words) == 0 {
				continue
			}
			add(expand(words[0], values))
			if len(words) == 3 && strings.EqualFold(words[1], "as") {
				stages[strings.ToLower(words[2])] = true
			}
		case "COPY", "ADD":
			for _, w := range words[1:] {
				if from, ok := strings.CutPrefix(w, "--from="); ok && strings.Trim(from, "0123456789") != "" && !strings.Contains(from, "$") {
					add(from)
				}
			}
		}
	}
	return bases
}

// instructions are the lines of a Dockerfile, joined where they go on, without comments.
func instructions(dockerfile string) (all []string) {
	var open string
	for line := range strings.Lines(dockerfile) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		more := strings.HasSuffix(line, `\`)
		open += strings.TrimSuffix(line, `\`) + " "
		if more {
			continue
		}
		if strings.TrimSpace(open) != "" {
			all = append(all, strings.TrimSpace(open))
		}
		open = ""
	}
	if strings.TrimSpace(open) != "" {
		all = append(all, strings.TrimSpace(open))
	}
	return all
}

var variable = regexp.MustCompile(`\$(?:\{([A-Za-z0-9_]+)(?::-([^}]*))?\}|([A-Za-z0-9_]+))`)

func expand(s string, values map[string]string) string {
	s = strings.Trim(s, `"'`)
	return variable.ReplaceAllStringFunc(s, func(v string) string {
		m := variable.FindStringSubmatch(v)
		value := values[m[1]+m[3]]
		if value == "" {
			value = m[2]
		}
		return value
	})
}

// Reference is the name of an image taken apart.
type Reference struct {
	Host string // of the registry
	Name string // of the repository
	Tag  string // or digest
}

const dockerHub = "docker.io"

// ParseReference takes a name apart as Docker does: without a host it is of Docker Hub.
func ParseReference(s string) Reference {
	r := Reference{Host: dockerHub, Name: s, Tag: "latest"}
	if host, rest, ok := strings.Cut(s, "/"); ok && (strings.ContainsAny(host, ".:") || host == "localhost") {
		r.Host, r.Name = host, rest
	}
	if name, digest, ok := strings.Cut(r.Name, "@"); ok {
		r.Name, r.Tag = name, digest
	} else if i := strings.LastIndexByte(r.Name, ':'); i > strings.LastIndexByte(r.Name, '/') {
		r.Name, r.Tag = r.Name[:i], r.Name[i+1:]
	}
	if r.Host == dockerHub && !strings.Contains(r.Name, "/") {
		r.Name = "library/" + r.Name
	}
	return r
}
