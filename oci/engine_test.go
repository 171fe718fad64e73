package oci_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/dyno"
	"github.com/kigo-dev/kigo/dyno/enginetest"
	"github.com/kigo-dev/kigo/dyno/shim"
	"github.com/kigo-dev/kigo/internal/testenv"
	"github.com/kigo-dev/kigo/oci"
)

var _ dyno.Engine = (*oci.Engine)(nil)

func TestEngine(t *testing.T) {
	testenv.NeedsRoot(t)
	enginetest.Run(t, func(t *testing.T, images enginetest.Images) enginetest.Subject {
		return newSubject(t, images)
	})
}

func newSubject(t testing.TB, images enginetest.Images) enginetest.Subject {
	t.Helper()
	config := testConfig(t, images)
	engine := open(t, config)
	subject := enginetest.Subject{Engine: engine}
	subject.Restart = func() dyno.Engine {
		engine.Close()
		engine = open(t, config)
		return engine
	}
	subject.KillShim = func(id kigo.DynoID) {
		var s shim.State
		if err := shim.ReadJSON(filepath.Join(config.Dir, "dynos", string(id)), shim.StateFile, &s); err != nil {
			t.Fatal(err)
		}
		if shim.ProcessStart(s.ShimPid) == s.ShimStart {
			_ = unix.Kill(s.ShimPid, unix.SIGKILL)
		}
	}
	subject.BindSource = func(name string, owner int) string {
		dir := filepath.Join(t.TempDir(), name)
		file := filepath.Join(dir, "file")
		if err := errors.Join(os.Mkdir(dir, 0o755), os.WriteFile(file, []byte("bound\n"), 0o644), os.Chown(dir, owner, owner), os.Chown(file, owner, owner)); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	t.Cleanup(func() {
		engine.Close()
		if err := engine.Uninstall(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return subject
}

func open(t testing.TB, config oci.Config) *oci.Engine {
	t.Helper()
	engine, err := oci.New(context.Background(), config)
	if err != nil {
		t.Fatal(err)
	}
	return engine
}

func testConfig(t testing.TB, images enginetest.Images) oci.Config {
	t.Helper()
	place := testenv.NewPlace(t)
	runc := testenv.NeedsProgram(t, "../bin/runc", os.Getenv("HOME")+"/go/bin/runc")
	path, err := filepath.Abs(runc)
	if err != nil {
		t.Fatal(err)
	}
	return oci.Config{
		Dir: t.TempDir(), Instance: place.Instance, Subnet: place.Subnet, Runtime: path, Images: images.Find,
	}
}
