// Package examples holds small apps to push, each a folder (and a module) of its
// own, and tests them by themselves; that they deploy is tested end to end. Start
// with README.md.
package examples
