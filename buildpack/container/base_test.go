package container

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTheBasesOfADockerfileAreFound(t *testing.T) {
	t.Parallel()
	got := Bases(`# syntax=docker/dockerfile:1
ARG VERSION=3 OTHER
ARG WHO
FROM --platform=linux/amd64 golang:${VERSION} AS Build
ARG VERSION=9
RUN echo \
  FROM nothing
FROM build AS second
from $WHO/base
FROM "x:${NONE:-4}"
FROM scratch
COPY --from=build /a /a
COPY --chown=1 --from=nginx:1 /b /b
COPY --from=0 /c /c
FROM
FROM golang:3`, map[string]string{"WHO": "me"})
	if diff := cmp.Diff([]string{"golang:3", "me/base", "x:4", "nginx:1"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestNamesOfImagesAreTakenApart(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]Reference{
		"alpine":                  {"docker.io", "library/alpine", "latest"},
		"heroku/heroku:22":        {"docker.io", "heroku/heroku", "22"},
		"docker.io/heroku/heroku": {"docker.io", "heroku/heroku", "latest"},
		"localhost:5000/a/web":    {"localhost:5000", "a/web", "latest"},
		"ghcr.io/a/b@sha256:1":    {"ghcr.io", "a/b", "sha256:1"},
		"127.0.0.1:5/a/web:v2":    {"127.0.0.1:5", "a/web", "v2"},
	} {
		if got := ParseReference(name); got != want {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
