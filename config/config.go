// Package config holds the operator's settings of a Kigo server. It promises one
// order of precedence: built-in default < settings file < environment < flag,
// and that Load refuses settings that cannot work, naming the one at fault.
package config

import (
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// Config is everything an operator can set.
type Config struct {
	Data       string  `json:"data"`       // folder of all state
	API        string  `json:"api"`        // address of the Platform API and of git, plain on loopback and TLS
	HTTP       string  `json:"http"`       // address where apps are served
	HTTPS      string  `json:"https"`      // the same over TLS
	HTTP3      bool    `json:"http3"`      // and over QUIC, on the same port of UDP
	Rendezvous string  `json:"rendezvous"` // address for attached one-off dynos (TLS)
	Exec       string  `json:"exec"`       // address of ps:exec by SSH; empty: where the official CLI can find it, "off": nowhere
	Domain     string  `json:"domain"`     // apps are APP.DOMAIN
	Network    string  `json:"network"`    // addresses for dynos, an IPv4 prefix of /24 to /16
	Database   string  `json:"database"`   // "sqlite" or a postgres:// URL
	Email      string  `json:"email"`      // of the operator's account
	Stack      string  `json:"stack"`      // name of the default stack
	StackSize  string  `json:"stackSize"`  // "full" or "small"
	StackCache string  `json:"stackCache"` // folder of stack images shared by several servers; optional
	Builds     int     `json:"builds"`     // builds at once
	Probation  string  `json:"probation"`  // how long a web dyno of a release serves until the release counts as good, such as "1m"
	EcoHours   float64 `json:"ecoHours"`   // pool of dyno-hours on sizes that sleep, for each account and month; 0: none
	IdleAfter  string  `json:"idleAfter"`  // how long an app on Eco dynos goes without requests until they sleep, such as "30m"
	Buildpacks string  `json:"buildpacks"` // folder or https URL of buildpacks, OWNER/NAME below it, that go before the built-in ones
	// ImageMirror is the URL of a registry that has images of Docker Hub, for builds of Dockerfiles; optional.
	ImageMirror string `json:"imageMirror"`
	// AllowBuildpacks are the names and URLs of buildpacks that apps may use, with a * for
	// any text, divided by commas; empty: all.
	AllowBuildpacks string `json:"allowBuildpacks"`

	// ACME is the certificate authority that certs:auto asks: "letsencrypt", "letsencrypt-staging"
	// or the address of an ACME directory; empty: none. Setting it agrees to its terms of service.
	ACME      string `json:"acme"`
	ACMEEmail string `json:"acmeEmail"` // told to the authority; optional
	ACMECA    string `json:"acmeCA"`    // PEM file of what the directory's own certificate is signed with; empty: the machine's

	Sizes []Size `json:"sizes"` // dyno sizes of your own, besides Heroku's; in the settings file only

	Runtime string `json:"runtime"` // OCI runtime (runc); found beside the program when empty
	Runsc   string `json:"runsc"`   // gVisor's runtime, for apps with hardened isolation; empty: there is none
	Verbose bool   `json:"verbose"`

	// AllowPrivate are ranges that log drains may reach although they are not
	// public; nothing else of the own network can be reached by users.
	AllowPrivate []string `json:"allowPrivate"`

	DrainSpill string `json:"drainSpill"` // how much of a log drain may wait on disk, such as 64MB; 0: what waits in memory is all

	SMTP       string `json:"smtp"`       // mail server for alerts, invitations, password resets and new addresses, such as smtp://user:password@mail.example.com:587; empty: no e-mail
	MailFrom   string `json:"mailFrom"`   // sender of those
	AlertEvery string `json:"alertEvery"` // how often alerts are looked at
}

// Trial is Probation parsed.
func (c Config) Trial() time.Duration {
	d, _ := time.ParseDuration(c.Probation) // Validate has looked at it
	return d
}

// maxEcoHours is more than any machine can give.
const maxEcoHours = 1_000_000

// EcoPool is EcoHours as a duration.
func (c Config) EcoPool() time.Duration {
	return time.Duration(c.EcoHours * float64(time.Hour)).Round(time.Second)
}

// Idle is IdleAfter parsed; 0: dynos never sleep.
func (c Config) Idle() time.Duration {
	d, _ := time.ParseDuration(c.IdleAfter) // Validate has looked at it
	return d
}

// Spill is DrainSpill parsed, in bytes; -1 when it cannot be.
func (c Config) Spill() int64 {
	if c.DrainSpill == "0" || c.DrainSpill == "" {
		return 0
	}
	for i, unit := range []string{"MB", "GB"} {
		number, ok := strings.CutSuffix(strings.ToUpper(c.DrainSpill), unit)
		n, err := strconv.ParseInt(strings.TrimSpace(number), 10, 32)
		if ok && err == nil && n > 0 && n<<(10*i) <= 100<<10 {
			return n << (20 + 10*i)
		}
	}
	return -1
}

// Look is AlertEvery parsed.
func (c Config) Look() time.Duration {
	d, _ := time.ParseDuration(c.AlertEvery) // Validate has looked at it
	return d
}

// Private is AllowPrivate parsed.
func (c Config) Private() ([]netip.Prefix, error) {
	var all []netip.Prefix
	for _, s := range c.AllowPrivate {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			return nil, fmt.Errorf("--allow-private %q is not a prefix such as 10.1.0.0/16: %w", s, err)
		}
		all = append(all, p.Masked())
	}
	return all, nil
}

// Default is a server for one person on loopback.
func Default() Config {
	return Config{
		Data: "/var/lib/kigo", API: "127.0.0.1:5000", HTTP: "127.0.0.1:8080", HTTPS: "127.0.0.1:8443",
		Rendezvous: "127.0.0.1:5001", Domain: "localhost", Network: "10.199.0.0/16", Database: "sqlite",
		Email: "operator@localhost", Stack: "heroku-22", StackSize: "full", Builds: 2, IdleAfter: "30m", EcoHours: 1000, AlertEvery: "1m", DrainSpill: "0", Probation: "1m",
	}
}

// Flags declares a flag for each setting, with the present values as defaults.
func (c *Config) Flags(fs *pflag.FlagSet) {
	fs.StringVar(&c.Data, "data", c.Data, "folder of all state")
	fs.StringVar(&c.API, "api", c.API, "address of the Platform API and of git (plain HTTP on loopback, TLS everywhere)")
	fs.StringVar(&c.HTTP, "http", c.HTTP, "address where apps are served")
	fs.StringVar(&c.HTTPS, "https", c.HTTPS, "address where apps are served over TLS")
	fs.BoolVar(&c.HTTP3, "http3", c.HTTP3, "serve apps by HTTP/3 too, on the UDP port of --https")
	fs.StringVar(&c.Rendezvous, "rendezvous", c.Rendezvous, "address for attached one-off dynos (heroku run)")
	fs.StringVar(&c.Exec, "exec", c.Exec, "address of ps:exec by SSH, or off; by default the port of --http if that is 80, else port 80 of a free loopback address")
	fs.StringVar(&c.Domain, "domain", c.Domain, "apps are served as APP.DOMAIN")
	fs.StringVar(&c.Network, "network", c.Network, "IPv4 prefix for the addresses of dynos")
	fs.StringVar(&c.Database, "database", c.Database, "sqlite, or a postgres:// URL (better as KIGO_DATABASE: other users can read the command line)")
	fs.StringVar(&c.Email, "email", c.Email, "e-mail of the operator's account, made at the first start")
	fs.StringVar(&c.Stack, "stack", c.Stack, "name of the default stack")
	fs.StringVar(&c.StackSize, "stack-size", c.StackSize, "full (Heroku's packages) or small (quick to make)")
	fs.StringVar(&c.StackCache, "stack-cache", c.StackCache, "folder of stack images that several servers share")
	fs.IntVar(&c.Builds, "builds", c.Builds, "builds that may run at once")
	fs.StringVar(&c.Probation, "probation", c.Probation, "how long a release's web dynos have to serve before it counts as good; one that crashes earlier gives way to the last good one")
	fs.Float64Var(&c.EcoHours, "eco-hours", c.EcoHours, "dyno-hours on Eco dynos that each account has a month, after which they sleep; 0: they are not counted")
	fs.StringVar(&c.IdleAfter, "idle-after", c.IdleAfter, "how long an app on Eco dynos goes without requests until they sleep; 0: they never do")
	fs.StringVar(&c.Buildpacks, "buildpacks", c.Buildpacks, "folder or https URL of buildpacks OWNER/NAME that go before the built-in ones")
	fs.StringVar(&c.ImageMirror, "image-mirror", c.ImageMirror, "URL of a registry that is asked for images of Docker Hub first when Dockerfiles are built")
	fs.StringVar(&c.AllowBuildpacks, "allow-buildpacks", c.AllowBuildpacks, "buildpacks that apps may use, as names and URLs with *, divided by commas; empty: all")
	fs.StringVar(&c.ACME, "acme", c.ACME, "certificate authority for certs:auto, whose terms you agree to: letsencrypt, letsencrypt-staging, or an ACME directory's URL")
	fs.StringVar(&c.ACMEEmail, "acme-email", c.ACMEEmail, "e-mail address that the certificate authority is told")
	fs.StringVar(&c.ACMECA, "acme-ca", c.ACMECA, "PEM file that the ACME directory's own certificate is checked with")
	fs.StringVar(&c.Runtime, "runtime", c.Runtime, "OCI runtime; by default the runc beside this program, then in PATH")
	fs.StringVar(&c.Runsc, "runsc", c.Runsc, "path of gVisor's runsc, so that apps can have hardened isolation")
	fs.StringSliceVar(&c.AllowPrivate, "allow-private", c.AllowPrivate, "ranges of your own network that log drains may reach, such as 10.1.0.0/16")
	fs.StringVar(&c.DrainSpill, "drain-spill", c.DrainSpill, "how much of each log drain may wait on disk while its receiver fails, such as 64MB; 0: none")
	fs.StringVar(&c.SMTP, "smtp", c.SMTP, "mail server for alerts, invitations and password resets, such as smtp://user:password@mail.example.com:587 (better in KIGO_SMTP or kigo.json)")
	fs.StringVar(&c.MailFrom, "mail-from", c.MailFrom, "sender of e-mail; by default the operator's address")
	fs.StringVar(&c.AlertEvery, "alert-every", c.AlertEvery, "how often alerts are looked at")
	fs.BoolVar(&c.Verbose, "verbose", c.Verbose, "log at debug level")
}

// Load applies the settings file DATA/kigo.json and the KIGO_… environment below
// what args say, and validates the whole.
func Load(args []string, getenv func(string) string) (Config, error) {
	probe := Default()
	if err := parse(&probe, args); err != nil {
		return probe, err
	}
	c := Default()
	file := filepath.Join(probe.Data, "kigo.json")
	if b, err := os.ReadFile(file); err == nil {
		if err := json.Unmarshal(b, &c); err != nil {
			return c, fmt.Errorf("read settings %s: %w", file, err)
		}
	} else if !os.IsNotExist(err) {
		return c, fmt.Errorf("read settings: %w", err)
	}
	fs := newFlags(&c)
	var bad error
	fs.VisitAll(func(f *pflag.Flag) {
		name := "KIGO_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		if v := getenv(name); v != "" && bad == nil {
			if err := fs.Set(f.Name, v); err != nil {
				bad = fmt.Errorf("environment variable %s=%q: %w", name, v, err)
			}
		}
	})
	if bad != nil {
		return c, bad
	}
	if err := fs.Parse(args); err != nil {
		return c, err
	}
	data, err := filepath.Abs(c.Data)
	if err != nil {
		return c, fmt.Errorf("find data folder %q: %w", c.Data, err)
	}
	c.Data = data
	return c, c.Validate()
}

func newFlags(c *Config) *pflag.FlagSet {
	fs := pflag.NewFlagSet("kigo server", pflag.ContinueOnError)
	fs.SortFlags = false
	c.Flags(fs)
	return fs
}

func parse(c *Config, args []string) error { return newFlags(c).Parse(args) }

var domain = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$`)

// odd is what a data folder's path may not have: mounts, databases and the programs that are
// told of it give a meaning of their own to blanks, commas, colons and the like.
var odd = regexp.MustCompile(`[^\p{L}\p{N}/._@+~=-]`)

// longestData leaves room for run/router.sock.PID in the 107 bytes of a Unix socket's address.
const longestData = 82

// Validate says which setting cannot work, and why.
func (c Config) Validate() error {
	for _, a := range []struct{ flag, addr string }{
		{"api", c.API}, {"http", c.HTTP}, {"https", c.HTTPS}, {"rendezvous", c.Rendezvous},
	} {
		if _, _, err := net.SplitHostPort(a.addr); err != nil {
			return fmt.Errorf("--%s %q is not an address such as 127.0.0.1:5000: %w", a.flag, a.addr, err)
		}
	}
	if _, _, err := net.SplitHostPort(c.Exec); err != nil && c.Exec != "" && c.Exec != "off" {
		return fmt.Errorf("--exec %q is neither an address such as 192.0.2.1:80 nor off: %w", c.Exec, err)
	}
	if _, err := c.Private(); err != nil {
		return err
	}
	if _, err := c.OwnSizes(); err != nil {
		return err
	}
	prefix, err := netip.ParsePrefix(c.Network)
	switch {
	case err != nil:
		return fmt.Errorf("--network %q is not a prefix such as 10.199.0.0/16: %w", c.Network, err)
	case !prefix.Addr().Is4() || prefix.Bits() < 16 || prefix.Bits() > 24:
		return fmt.Errorf("--network %q: an IPv4 prefix of /16 to /24 is needed", c.Network)
	case odd.MatchString(c.Data):
		return fmt.Errorf("--data %q: its path has %q in it, which not every part can take: use letters, digits and . _ - + @ ~ = alone", c.Data, odd.FindString(c.Data))
	case len(c.Data) > longestData:
		return fmt.Errorf("--data %q: its path has %d bytes, %d are the most: sockets below it have short addresses", c.Data, len(c.Data), longestData)
	case !domain.MatchString(c.Domain) || strings.Contains(c.Domain, ".."):
		return fmt.Errorf("--domain %q is not a host name", c.Domain)
	case c.Database != "sqlite" && !strings.HasPrefix(c.Database, "postgres://"):
		return fmt.Errorf("--database %q: say sqlite, or a URL that starts with postgres://", c.Database)
	case c.StackSize != "full" && c.StackSize != "small":
		return fmt.Errorf("--stack-size %q: say full or small", c.StackSize)
	case c.ImageMirror != "" && !strings.HasPrefix(c.ImageMirror, "https://") && !strings.HasPrefix(c.ImageMirror, "http://"):
		return fmt.Errorf("--image-mirror %q: say the URL of a registry, such as https://mirror.example.com", c.ImageMirror)
	case c.Buildpacks != "" && !strings.HasPrefix(c.Buildpacks, "https://") && !filepath.IsAbs(c.Buildpacks):
		return fmt.Errorf("--buildpacks %q: say the absolute path of a folder, or an https:// URL", c.Buildpacks)
	case !isIdle(c.Probation):
		return fmt.Errorf("--probation %q is no time such as 1m, or 0", c.Probation)
	case c.ACME != "" && !strings.HasPrefix(c.ACMEDirectory(), "https://"):
		return fmt.Errorf("--acme %q: say letsencrypt, letsencrypt-staging, or an https:// URL", c.ACME)
	case c.ACMEEmail != "" && !strings.Contains(c.ACMEEmail, "@"):
		return fmt.Errorf("--acme-email %q is not an e-mail address", c.ACMEEmail)
	case !(c.EcoHours >= 0 && c.EcoHours <= maxEcoHours):
		return fmt.Errorf("--eco-hours %v: say how many hours there are, %d at most, or 0", c.EcoHours, maxEcoHours)
	case !isIdle(c.IdleAfter):
		return fmt.Errorf("--idle-after %q is no time such as 30m, or 0", c.IdleAfter)
	case c.Builds < 1:
		return fmt.Errorf("--builds %d: at least one build must be able to run", c.Builds)
	case c.Spill() < 0:
		return fmt.Errorf("--drain-spill %q is no size such as 64MB, of at least 1MB and at most 100GB, or 0", c.DrainSpill)
	case c.Look() < time.Second:
		return fmt.Errorf("--alert-every %q is no time such as 1m, of a second at least", c.AlertEvery)
	case !strings.Contains(c.Email, "@"):
		return fmt.Errorf("--email %q is not an e-mail address", c.Email)
	}
	return nil
}

// ACMEDirectory is where the certificate authority is asked; empty: there is none.
func (c Config) ACMEDirectory() string {
	switch c.ACME {
	case "letsencrypt":
		return "https://acme-v02.api.letsencrypt.org/directory"
	case "letsencrypt-staging":
		return "https://acme-staging-v02.api.letsencrypt.org/directory"
	}
	return c.ACME
}

// DSN is where the store is.
func (c Config) DSN() string {
	if c.Database == "sqlite" {
		return "sqlite:" + c.Path("kigo.db")
	}
	return c.Database
}

// Path joins names below the data folder.
func (c Config) Path(names ...string) string {
	return filepath.Join(append([]string{c.Data}, names...)...)
}

func isIdle(s string) bool {
	d, err := time.ParseDuration(s)
	return err == nil && (d == 0 || d >= time.Second)
}
