# Kigo: build, show and test it. Each target installs what it needs (script/setup).
VERSION := $(shell git describe --always --dirty 2>/dev/null || echo dev)
MODULE  := github.com/kigo-dev/kigo
RUNC    := v1.5.2
LINT    := v2.15.0
GOBUILD := CGO_ENABLED=0 go build -trimpath -buildvcs=false
LDFLAGS := -X $(MODULE)/cli.Version=$(VERSION)

.PHONY: build needs setup demo test lint bench clean
.DEFAULT_GOAL := build

build: needs bin/runc-$(RUNC)                     # bin/kigo and what it carries or starts
	$(GOBUILD) -ldflags '-s -w' -o oci/embed/kigo-dyno ./cmd/kigo-dyno
	$(GOBUILD) -ldflags '-s -w' -o oci/embed/kigo-sftp ./cmd/kigo-sftp
	$(GOBUILD) -ldflags '-s -w' -o build/embed/kigo-buildpack ./cmd/kigo-buildpack
	$(GOBUILD) -ldflags '$(LDFLAGS)' -o bin/kigo ./cmd/kigo

bin/runc-$(RUNC):                                 # Debian's runc is too old (docs/decisions)
	GOBIN=$(CURDIR)/bin go install -tags seccomp github.com/opencontainers/runc@$(RUNC)
	ln -sf runc $@

bin/golangci-lint-$(LINT):
	GOBIN=$(CURDIR)/bin go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT)
	ln -sf golangci-lint $@

needs:                                            # what building and running it need
	@script/setup build
setup:                                            # that, and what tests and benchmarks need
	@script/setup
demo: build                                       # a server on loopback, a push, an answer, the logs
	@script/demo
lint: setup bin/golangci-lint-$(LINT)
	bin/golangci-lint run ./...
test: setup build lint                            # everything; in CI a skipped test is a failure
	@script/test
bench: setup build
	bench/run
clean:
	rm -rf bin oci/embed/kigo-dyno oci/embed/kigo-sftp build/embed/kigo-buildpack
