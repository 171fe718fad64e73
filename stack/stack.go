// Package stack makes and keeps stacks: the Debian root file systems, as EROFS
// images, that dynos (variant run) and builds (variant build) have under /app.
//
// It owns the folder of stack images. It promises that an image has everything
// that the engine binds over (rootfs.go lists it), that building the same thing
// twice is one build, and that what the machine's administrator set for names,
// certificates, proxies and registries reaches builds without being baked into
// an image (host.go). Start with Build and Store.Image.
package stack

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"time"
)

// DefaultName is what a stack is called when nobody chose: Debian 12 has the
// libraries of heroku-22's class (docs/decisions/0008-stack-name.md).
const DefaultName = "heroku-22"

// Variants of a stack.
const (
	VariantRun   = "run"   // what dynos have
	VariantBuild = "build" // the same and compilers
)

// Sizes of a stack: how many packages it has.
const (
	SizeSmall = "small" // one image for both variants: enough for Go without cgo and Node without native modules
	SizeFull  = "full"  // Heroku's list
)

// suite is the release of Debian that stacks are made of.
const suite = "bookworm"

var validName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{0,62}$`)

// Options say which image to build.
type Options struct {
	Name     string    // empty: DefaultName
	Variant  string    // VariantRun or VariantBuild
	Size     string    // SizeSmall or SizeFull
	Dir      string    // where the image and its description go
	Cache    string    // a folder that several data folders share; optional
	Progress io.Writer // what the tools print; optional
	Making   func()    // called when there is none to take and one is made, which takes minutes; optional
}

func (o *Options) validate() error {
	if o.Name == "" {
		o.Name = DefaultName
	}
	if o.Progress == nil {
		o.Progress = io.Discard
	}
	if o.Making == nil {
		o.Making = func() {}
	}
	switch {
	case !validName.MatchString(o.Name):
		return fmt.Errorf("stack name %q: only lower-case letters, digits, dots and dashes", o.Name)
	case o.Variant != VariantRun && o.Variant != VariantBuild:
		return fmt.Errorf("stack variant %q: it is %s or %s", o.Variant, VariantRun, VariantBuild)
	case o.Size != SizeSmall && o.Size != SizeFull:
		return fmt.Errorf("stack size %q: it is %s or %s", o.Size, SizeSmall, SizeFull)
	case o.Dir == "":
		return fmt.Errorf("build stack: no folder to build into")
	}
	return nil
}

// Info describes a built image; it is kept as JSON beside it.
type Info struct {
	Name      string    `json:"name"`
	Variant   string    `json:"variant"`
	Size      string    `json:"size"`
	Inputs    string    `json:"inputs"` // hash of all that decides what is built
	Digest    string    `json:"digest"` // "sha256:…" of the image file
	ImageSize int64     `json:"image_size"`
	Files     int       `json:"files"`
	Packages  []string  `json:"packages"` // "name version", as installed
	Created   time.Time `json:"created"`
}

// format changes when the same packages shall give another image.
const format = 1

// inputs names what decides on an image's content, but for the state of Debian's
// archive: a newer one is taken by removing the image.
func (o Options) inputs() string {
	variant := o.Variant
	if o.Size == SizeSmall {
		variant = "any"
	}
	data, err := json.Marshal([]any{format, suite, variant, o.Size, packages(o.Size, o.Variant), dpkgOptions, layoutVersion()})
	if err != nil {
		panic(err) // strings and numbers only
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:8])
}
