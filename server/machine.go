package server

import (
	"os"
	"strconv"
	"strings"

	"github.com/kigo-dev/kigo/dyno"
)

// machine is the memory of this machine, as the kernel tells it.
func machine() dyno.Machine {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return dyno.Machine{}
	}
	return parseMachine(string(text))
}

func parseMachine(text string) (m dyno.Machine) {
	for line := range strings.Lines(text) {
		name, rest, _ := strings.Cut(line, ":")
		n, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
		switch name {
		case "MemTotal":
			m.Total = n << 10
		case "MemAvailable":
			m.Available = n << 10
		}
	}
	return m
}
