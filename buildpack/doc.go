// Package buildpack is the vocabulary of a build: where things lie inside the
// sandbox, what the platform tells the runner (Job), what the runner tells the
// platform (Result), how output looks, and the frame that makes a Go package an
// ordinary classic buildpack with bin/detect, bin/compile and bin/release.
//
// It promises nothing about languages: those are the packages below it
// (golang, nodejs, static, procfile). The runner is buildpack/run, the host side
// package build. Start reading at job.go, then builtin.go.
package buildpack
