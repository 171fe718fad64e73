package kigo

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"time"
)

// AppID is an app's uuid.
type AppID string

// App is one tenant program: a name, an owner, code and config by releases, and
// a formation of dynos.
type App struct {
	ID                AppID
	Name              string
	Owner             AccountID
	Stack             string // what its dynos run on now, such as "heroku-22"
	BuildStack        string // what the next build uses
	Region            string
	Maintenance       bool
	Locked            bool   // members of the team that owns it may not join by themselves
	BuildpackProvided string // language of the last build, such as "Node.js"; empty before it
	UIDBase           uint32 // first of the app's own 65,536 host uids; never reused
	RepoSize          int64  // bytes
	SlugSize          int64  // compressed bytes of the current slug
	CreatedAt         time.Time
	UpdatedAt         time.Time
	ReleasedAt        time.Time // zero before the first release of code
	ACM               bool      // its custom domains get certificates by themselves
	Destroying        bool      // deleted by its owner; dynos, repository and slugs are being removed
}

// UIDRange is how many host uids an app owns, and UIDFirst where the first app's begin.
const (
	UIDRange uint32 = 65536
	UIDFirst uint32 = 2_000_000
)

var appName = regexp.MustCompile(`^[a-z][a-z0-9-]{1,28}[a-z0-9]$`)

// reservedNames are hosts of the platform itself under its domain, and names
// that a reader would take for the platform.
var reservedNames = []string{
	"admin", "api", "auth", "cli-auth", "dashboard", "data", "exec", "git", "heroku", "id", "kigo",
	"localhost", "logplex", "logs", "mail", "metrics", "ns1", "ns2", "registry", "rendezvous",
	"root", "ssh", "sso", "status", "support", "web", "www",
}

// ValidateAppName checks an app's name by Heroku's rule: 3 to 30 characters,
// lower-case letters, digits and dashes, starting with a letter and not ending
// in a dash; names of the platform's own hosts are reserved, and those that a browser
// shows as other letters.
func ValidateAppName(name string) error {
	switch {
	case len(name) < 3:
		return Invalid("Name is too short (minimum is 3 characters)")
	case len(name) > 30:
		return Invalid("Name is too long (maximum is 30 characters)")
	case !appName.MatchString(name):
		return Invalid("Name must start with a letter, end with a letter or digit and can only contain lowercase letters, numbers, and dashes")
	case strings.HasPrefix(name, "xn--"):
		return Invalid("Name %s is reserved: as a host, it stands for other letters. Choose another one", name)
	case slices.Contains(reservedNames, name):
		return Invalid("Name %s is reserved: choose another one", name)
	}
	return nil
}

// GenerateAppName returns a name such as "frozen-harbor-40127" for an app that
// was created without one.
func GenerateAppName() string {
	return fmt.Sprintf("%s-%s-%05d", adjectives[rand.IntN(len(adjectives))], nouns[rand.IntN(len(nouns))], rand.IntN(100000))
}

var adjectives = []string{
	"ancient", "autumn", "bold", "brave", "bright", "calm", "clear", "cold", "dawn", "deep", "dry", "early",
	"fast", "fierce", "frozen", "gentle", "glad", "green", "hidden", "high", "icy", "keen", "late", "light",
	"lively", "lone", "mild", "misty", "noble", "pale", "quiet", "rapid", "rough", "salty", "sharp", "silent",
	"small", "snowy", "still", "stormy", "sunny", "swift", "tall", "warm", "wide", "wild", "winter", "young",
}

var nouns = []string{
	"badlands", "bay", "beach", "bird", "brook", "canyon", "castle", "cliffs", "cloud", "coast", "creek", "dale",
	"dawn", "dune", "earth", "falls", "field", "fjord", "forest", "garden", "glade", "gorge", "grove", "harbor",
	"hill", "island", "lake", "lagoon", "leaf", "meadow", "mesa", "mist", "moon", "oasis", "ocean", "peak",
	"plains", "pond", "reef", "ridge", "river", "sea", "shore", "spring", "stream", "summit", "tundra", "wave",
}
