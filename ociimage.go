package kigo

import "strings"

// OCIImage is what is known of a slug that was made of one container image for all its
// process types, besides what runs.
type OCIImage struct {
	Repo         string // where it was pushed, such as myapp/web
	Digest       string // of its manifest or of its config, as it was asked for
	BaseName     string // of the image that it was built on; this and what follows may be empty
	BaseTopLayer string
	Architecture string
	Buildpacks   []ImageBuildpack
	Processes    map[string]ImageProcess
}

// ImageBuildpack is a Cloud Native Buildpack that took part in making an image.
type ImageBuildpack struct{ ID, Version, Homepage string }

// MaxImageText is how many bytes a text about an image may have at most.
const MaxImageText = 1024

// ValidImageText reports whether a text about an image can be kept and shown.
func ValidImageText(text string) bool {
	return len(text) <= MaxImageText && !strings.ContainsRune(text, 0)
}

// ImageProcess is a process type of an image. An empty command is the image's own.
type ImageProcess struct {
	Command string // run as it is when it is a path, otherwise by /bin/sh -c
	Display string // what people see for it; empty: Command
	Dir     string // its folder; empty: the image's
	Default bool
}
