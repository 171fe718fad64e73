package e2e

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/kigo-dev/kigo/client"
	"github.com/kigo-dev/kigo/internal/testenv"
)

// TestADockerfileThatIsBuiltOutlivesTheDeathOfControl kills the control process while a step
// of a Dockerfile runs: the next one builds again, and what it is told to end leaves nothing.
func TestADockerfileThatIsBuiltOutlivesTheDeathOfControl(t *testing.T) {
	testenv.NeedsRoot(t)
	testenv.NeedsProgram(t, "buildah")
	busybox, err := os.ReadFile(testenv.NeedsProgram(t, "busybox"))
	if err != nil {
		t.Fatal(err)
	}
	t.Parallel()
	s := startServer(t, setup{})
	c := s.client(t)
	if _, err := c.CreateApp(t.Context(), client.NewApp{Name: "killed", Stack: "container"}); err != nil {
		t.Fatal(err)
	}
	build, err := c.CreateBuild(t.Context(), "killed", client.NewBuild{SourceBlob: client.NewSourceBlob{URL: s.upload(t, map[string]string{
		"heroku.yml": "build: {docker: {web: Dockerfile}}\n",
		"Dockerfile": "FROM scratch\nCOPY busybox /busybox\nRUN [\"/busybox\", \"sh\", \"-c\", \"echo a step has begun; /busybox sleep 600\"]\n",
		"busybox":    string(busybox),
	})}})
	if err != nil {
		t.Fatal(err)
	}
	begun := func(times int) func() error {
		return func() error {
			text := s.outputs()
			if n := strings.Count(text, "\na step has begun\n"); n != times {
				return fmt.Errorf("it began %d times, and says:\n%s", n, text)
			}
			return nil
		}
	}
	eventually(t, "a step", begun(1))
	if len(s.ofBuild(build.ID)) == 0 {
		t.Fatal("a build that runs has neither folders nor processes: this test looks at the wrong places")
	}
	control := s.child("control")
	if err := syscall.Kill(control, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the step in the next process", begun(2))
	if now := s.child("control"); now == control || now == 0 {
		t.Errorf("control is process %d after %d", now, control)
	}
	if text := s.outputs(); !strings.Contains(text, " !     The platform was restarted. The build begins again.\n") {
		t.Errorf("%s", text)
	}
	if _, err := c.CancelBuild(t.Context(), "killed", build.ID); err != nil {
		t.Fatal(err)
	}
	eventually(t, "nothing to be left over", func() error {
		if left := s.ofBuild(build.ID); len(left) > 0 {
			return fmt.Errorf("%q", left)
		}
		return nil
	})
	if text := s.outputs(); !strings.HasSuffix(text, " !     Build canceled.\n\n !     Push failed\n") {
		t.Errorf("%s", text)
	}
	if b, err := c.Build(t.Context(), "killed", build.ID); err != nil || b.Status != "failed" {
		t.Errorf("%+v %v", b, err)
	}
}

// upload puts files where builds fetch them from.
func (s *server) upload(t *testing.T, files map[string]string) string {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for name, text := range files {
		err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(text))})
		if _, werr := w.Write([]byte(text)); errors.Join(err, werr) != nil {
			t.Fatal(err, werr)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	source, err := s.client(t).CreateSource(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.client(t).Upload(t.Context(), source.SourceBlob.PutURL, &b, int64(b.Len())); err != nil {
		t.Fatal(err)
	}
	return source.SourceBlob.GetURL
}

// outputs is what all builds have said up to now.
func (s *server) outputs() string {
	var all strings.Builder
	files, _ := filepath.Glob(s.data + "/output/*")
	for _, file := range files {
		text, _ := os.ReadFile(file)
		all.Write(text)
	}
	return all.String()
}

// ofBuild lists what the machine has of a build: folders, control groups, mounts, loop
// devices, links and processes.
func (s *server) ofBuild(id string) (left []string) {
	for _, pattern := range []string{
		s.data + "/builds/*", s.data + "/dynos/*build-*", s.data + "/dynos/.*", "/sys/fs/cgroup/*/kigo_*/*" + id + "*", "/sys/fs/cgroup/kigo_*/*" + id + "*",
	} {
		found, _ := filepath.Glob(pattern)
		left = append(left, found...)
	}
	for _, pattern := range []string{"/proc/[0-9]*/mountinfo", "/proc/[0-9]*/cmdline", "/proc/[0-9]*/cgroup", "/sys/block/loop*/loop/backing_file"} {
		files, _ := filepath.Glob(pattern)
		for _, file := range files {
			if text, _ := os.ReadFile(file); strings.Contains(string(text), id) && !strings.Contains(file, "/"+strconv.Itoa(os.Getpid())+"/") {
				left = append(left, file)
			}
		}
	}
	return left
}
