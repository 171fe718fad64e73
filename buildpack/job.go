package buildpack

// Where a build finds things inside its sandbox. BUILD_DIR is a new folder
// BuildPrefix + 8 hex digits for every build, as on Heroku.
const (
	Home        = "/opt/kigo"                   // read-only: the folders and files below it
	Program     = Home + "/bin/kigo-buildpack"  // this program, which holds the built-in buildpacks
	Toolchains  = Home + "/toolchains"          // compilers and runtimes shared by all builds
	Refusals    = Home + "/refusals"            // NAME: why the toolchain NAME could not be had
	JobFile     = Home + "/job/job.json"        // a Job
	SourceFile  = Home + "/source.tar"          // the source, when the platform holds it
	CAFile      = Home + "/ca-certificates.crt" // the host's certificate authorities
	Operators   = Home + "/buildpacks"          // OWNER/NAME: the operator's own buildpacks
	Work        = "/tmp/codon"                  // writable; removed with the build
	CacheDir    = Work + "/tmp/cache"           // CACHE_DIR
	PackDir     = Work + "/tmp/buildpacks"      // the buildpacks themselves
	Wishes      = Work + "/toolchains"          // NAME: please fetch that toolchain
	ImageDir    = Work + "/images"              // an OCI layout: the images that were built, by their process types
	RegistryDir = Home + "/registry"            // "socket": the platform's registry, as the app may read it
	ResultFile  = Work + "/result.json"         // a Result
	BuildPrefix = "/tmp/build_"
)

// Layout is those places for one build. Default is the sandbox's; tests that run
// the runner as an ordinary process use another root.
type Layout struct {
	Program, Source, Build, Cache, Env, Packs, Result string
	Operators                                         string // may be missing
}

// Default is the layout of the sandbox for a build named by 8 hex digits.
func Default(hex string) Layout {
	return Layout{
		Program: Program, Source: SourceFile, Build: BuildPrefix + hex, Cache: CacheDir,
		Env: "/tmp/env_" + hex, Packs: PackDir, Result: ResultFile, Operators: Operators,
	}
}

// Job is what the platform wants built.
type Job struct {
	Layout        Layout
	SourceURL     string            // fetched by the runner when there is no source file
	Checksum      string            // "SHA256:…" of what the URL answers; may be empty
	Stack         string            // such as "heroku-22"
	SourceVersion string            // full commit or the client's own word
	RequestID     string            //
	Dyno          string            // such as "build.1234"
	Buildpacks    []string          // names or URLs in order; empty: detect
	Shelf         string            // https URL below which the operator's buildpacks are, as OWNER/NAME.tgz; may be empty
	Allowed       []string          // patterns of names and URLs that the app may ask for; empty: all
	Config        map[string]string // files in ENV_DIR, never in the environment
	HostEnv       []string          // "NAME=value": certificate authorities and registries of this installation
	Limits        Limits
	Images        ImageJob // of an app that is built of Dockerfiles
}

// ImageMirror begins the names of images of Docker Hub that the platform's registry gets
// from the operator's mirror.
const ImageMirror = "mirror/"

// ImageJob is what a build of Dockerfiles needs to know.
type ImageJob struct {
	Socket       string   // of the platform's registry
	Hosts        []string // names under which images of that registry are known
	Stacks       []string // images of it that are known as Docker Hub's, such as heroku/heroku:22
	Mirror       bool     // it has others of Docker Hub's, too
	DefaultStack string   // for who wants no Dockerfiles
	Work         string   // where the builder keeps its storage
	Layout       string   // where images go
}

// Limits of what a source may unpack to.
type Limits struct {
	Bytes int64 // 0: 4 GiB
	Files int   // 0: 500,000
}

// Result is what came of a Job. A failed build has a Failure and nothing else
// that is of use.
type Result struct {
	Failure        string // one line, such as "failed to compile Go app"; empty: success
	Infrastructure bool   // the failure is the platform's or the network's, not the app's
	Language       string // "Go": what the last buildpack's detect said
	Buildpacks     []Pack // in order
	Detected       bool   // the app had named none
	Fallback       bool   // no language was found
	ProcessTypes   map[string]string
	Order          []string          // of the process types: Procfile first, then defaults
	Config         map[string]string // config_vars of the last bin/release
	Addons         []string          // addons of the last bin/release
	AppJSON        string            `json:",omitempty"` // the text of a good app.json; empty without one
	Images         []string          `json:",omitempty"` // tags in the layout of images that were built
	Processes      []Process         `json:",omitempty"` // of an app that is built of Dockerfiles
}

// Process is a process type on an image that was built. An empty command is the image's own.
type Process struct{ Type, Image, Command string }

// Pack is one buildpack that took part.
type Pack struct {
	Name string // "heroku/go", or the URL as given
	Pin  string // "built in", the git commit or the tarball's SHA-256
}
