package kigo

import (
	"net/url"
	"slices"
	"strings"
)

// ParseAppJSON reads an app.json. It refuses what cannot be meant: an error names
// the member, its value and what would do. It forgives what is clear: a byte order
// mark, a number or a boolean for a config var's value, a dyno size in any case of
// letters, an older form of formation, buildpacks as plain strings, members set to
// null, and members that nothing reads, which it lists in Unknown.
func ParseAppJSON(b []byte) (AppJSON, error) {
	value, err := decodeAppJSON(b)
	if err != nil {
		return AppJSON{}, err
	}
	r := &appJSONReader{}
	a := r.file(jsonNode{value: value})
	if r.err != nil {
		return AppJSON{}, r.err
	}
	slices.Sort(r.unknown)
	a.Unknown = r.unknown
	return a, nil
}

func (r *appJSONReader) file(n jsonNode) (a AppJSON) {
	a.stated = map[string]bool{}
	r.members(n, func(name string, n jsonNode) bool {
		a.stated[name] = true
		switch name {
		case "name":
			a.Name = r.text(n, 300)
		case "description":
			a.Description = r.text(n, maxAppJSONText)
		case "keywords":
			r.items(n, func(n jsonNode) { a.Keywords = append(a.Keywords, r.text(n, 300)) })
		case "website":
			a.Website = r.link(n)
		case "repository":
			a.Repository = r.link(n)
		case "logo":
			a.Logo = r.link(n)
		case "success_url":
			a.SuccessURL = r.text(n, maxAppJSONText)
		case "stack":
			a.Stack = r.text(n, 100)
		case "image":
			a.Image = r.text(n, 500)
		case "scripts":
			a.Scripts = r.scripts(n)
		case "env":
			a.Env = r.env(n)
		case "formation":
			a.Formation = r.formation(n)
		case "healthchecks", "health_checks", "healthChecks":
			a.stated["healthchecks"] = true
			a.HealthChecks = r.healthChecks(n)
		case "addons":
			r.items(n, func(n jsonNode) { a.Addons = append(a.Addons, r.addon(n)) })
		case "buildpacks":
			r.items(n, func(n jsonNode) { a.Buildpacks = append(a.Buildpacks, r.buildpack(n)) })
		case "environments":
			if n.inside {
				return false
			}
			a.Environments = map[string]AppJSON{}
			r.members(n, func(name string, n jsonNode) bool {
				n.inside = true
				a.Environments[name] = r.file(n)
				return true
			})
		default:
			return name == "$schema"
		}
		return true
	})
	return a
}

func (r *appJSONReader) link(n jsonNode) string {
	text := r.text(n, maxAppJSONText)
	if u, err := url.Parse(text); text != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		r.refuse(n, "write an http or https URL")
	}
	return text
}

func (r *appJSONReader) scripts(n jsonNode) (s Scripts) {
	r.members(n, func(name string, n jsonNode) bool {
		switch name {
		case "postdeploy":
			s.Postdeploy = r.script(n)
		case "pr-predestroy":
			s.PRPredestroy = r.script(n)
		case "test-setup":
			s.TestSetup = r.script(n)
		case "test":
			s.Test = r.script(n)
		default:
			return false
		}
		return true
	})
	return s
}

func (r *appJSONReader) script(n jsonNode) (s Script) {
	if _, ok := n.value.(map[string]any); !ok {
		return Script{Command: r.text(n, maxAppJSONText)}
	}
	r.members(n, func(name string, n jsonNode) bool {
		switch name {
		case "command":
			s.Command = r.text(n, maxAppJSONText)
		case "size":
			s.Size = r.size(n)
		default:
			return false
		}
		return true
	})
	return s
}

func (r *appJSONReader) env(n jsonNode) map[string]EnvSpec {
	env := map[string]EnvSpec{}
	r.members(n, func(name string, n jsonNode) bool {
		if !configName.MatchString(name) || len(name) > MaxConfigName {
			r.fail("app.json: %s: %s is not a config var name: use letters, digits and underscores, and do not start with a digit", n.parent(), shorten(name))
			return true
		}
		spec := EnvSpec{Required: true}
		if _, ok := n.value.(map[string]any); !ok {
			spec.Value, spec.HasValue = r.scalar(n), true
			env[name] = spec
			return true
		}
		r.members(n, func(member string, n jsonNode) bool {
			switch member {
			case "description":
				spec.Description = r.text(n, maxAppJSONText)
			case "value":
				spec.Value, spec.HasValue = r.scalar(n), true
			case "required":
				spec.Required = r.boolean(n)
			case "generator":
				if word := r.text(n, 100); word != "secret" {
					r.refuse(n, `the one generator is "secret"`)
				}
				spec.Secret = true
			default:
				return false
			}
			return true
		})
		env[name] = spec
		return true
	})
	return env
}

// formation reads {"web": {"quantity": 1, "size": "basic"}}, and the list of
// {"process": "web", …} that Heroku took before.
func (r *appJSONReader) formation(n jsonNode) map[string]FormationSpec {
	all := map[string]FormationSpec{}
	if _, ok := n.value.([]any); ok {
		r.items(n, func(n jsonNode) {
			name := ""
			spec := r.oneFormation(n, &name)
			if r.processType(n, name) {
				all[name] = spec
			}
		})
		return all
	}
	r.members(n, func(name string, n jsonNode) bool {
		if r.processType(n, name) {
			all[name] = r.oneFormation(n, nil)
		}
		return true
	})
	return all
}

func (r *appJSONReader) oneFormation(n jsonNode, process *string) FormationSpec {
	spec := FormationSpec{Quantity: 1}
	r.members(n, func(member string, n jsonNode) bool {
		switch {
		case member == "quantity":
			spec.Quantity = r.whole(n, 0, MaxQuantity)
		case member == "size":
			spec.Size = r.size(n)
		case member == "process" && process != nil:
			*process = r.text(n, 100)
		default:
			return member == "command" && process != nil // the Procfile has it
		}
		return true
	})
	return spec
}

func (r *appJSONReader) processType(n jsonNode, name string) bool {
	if !ValidProcessType(name) {
		r.fail("app.json: %s: %s is not a process type: use 1 to 63 letters, digits, dashes and underscores", n.parent(), shorten(name))
		return false
	}
	return true
}

// oldSizes are names that Heroku's sizes had or have elsewhere.
var oldSizes = map[string]string{
	"free": "Eco", "hobby": "Basic", "1x": "Standard-1X", "2x": "Standard-2X", "px": "Performance-L", "standard": "Standard-1X", "performance": "Performance-L",
	"private-s": "Standard-1X", "private-m": "Performance-M", "private-l": "Performance-L", "shield-s": "Standard-1X", "shield-m": "Performance-M", "shield-l": "Performance-L",
}

func (r *appJSONReader) size(n jsonNode) string {
	text := r.text(n, 100)
	if text == "" {
		return ""
	}
	if name, ok := oldSizes[strings.ToLower(text)]; ok {
		return name
	}
	size, err := FindSize(text)
	if err != nil {
		r.refuse(n, "sizes are "+sizeNames())
	}
	return size.Name
}

func (r *appJSONReader) addon(n jsonNode) (a AddonSpec) {
	if _, ok := n.value.(map[string]any); !ok {
		a.Plan = r.text(n, 300)
	} else {
		r.members(n, func(member string, n jsonNode) bool {
			switch member {
			case "plan":
				a.Plan = r.text(n, 300)
			case "as":
				a.As = r.text(n, 300)
			case "optional":
				a.Optional = r.boolean(n)
			case "options":
				a.Options = map[string]string{}
				r.members(n, func(name string, n jsonNode) bool {
					a.Options[name] = r.scalar(n)
					return true
				})
			default:
				return false
			}
			return true
		})
	}
	if a.Plan == "" {
		r.fail(`app.json: %s names no plan: write "service:plan", or {"plan": "service:plan"}`, n.name())
	}
	return a
}

func (r *appJSONReader) buildpack(n jsonNode) (text string) {
	if _, ok := n.value.(map[string]any); !ok {
		text = r.text(n, maxAppJSONText)
	} else {
		r.members(n, func(member string, n jsonNode) bool {
			if member == "url" || member == "name" && text == "" {
				text = r.text(n, maxAppJSONText)
				return true
			}
			return member == "name"
		})
	}
	if text == "" {
		r.fail(`app.json: %s names no buildpack: write {"url": "heroku/nodejs"}`, n.name())
	}
	return text
}
