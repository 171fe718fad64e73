package kigo

import (
	"regexp"
	"strconv"
	"strings"
)

// ConfigVars is an app's complete configuration: name → value.
type ConfigVars map[string]string

// Limits of config vars (Heroku's documentation: 64 kB for all of an app's).
const (
	MaxConfigName  = 512
	MaxConfigBytes = 64 << 10
)

var configName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// ValidateConfigVars checks a complete set: names that a shell accepts, no NUL
// in values, 64 KiB in all.
func ValidateConfigVars(vars ConfigVars) error {
	total := 0
	for name, value := range vars {
		switch {
		case name == "":
			return Invalid("Config var names must not be empty")
		case len(name) > MaxConfigName:
			return Invalid("Config var name %s… is too long: %d bytes, the maximum is %d", name[:40], len(name), MaxConfigName)
		case !configName.MatchString(name):
			return Invalid("%s is not a valid config var name: use letters, digits and underscores, and do not start with a digit", strconv.Quote(name))
		case strings.IndexByte(value, 0) >= 0:
			return Invalid("The value of config var %s holds a NUL byte, which no process can receive", name)
		}
		total += len(name) + len(value)
	}
	if total > MaxConfigBytes {
		return Invalid("Config vars are too large: %d bytes in all, the maximum is %d", total, MaxConfigBytes)
	}
	return nil
}

func itoa(n int) string { return strconv.Itoa(n) }
