package git

import (
	"bufio"
	"bytes"
	"compress/zlib"
	"crypto/rand"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/internal/testenv"
)

// object writes an object as it stands, however bad, and returns its id.
func (w *work) object(kind, content string) string {
	w.t.Helper()
	cmd := w.command(w.t.Context(), "hash-object", "-t", kind, "-w", "--stdin", "--literally")
	cmd.Stdin = strings.NewReader(content)
	id, err := cmd.Output()
	if err != nil {
		w.t.Fatal(err)
	}
	return strings.TrimSpace(string(id))
}

// commitOf commits a tree with one entry of that mode and name.
func (w *work) commitOf(mode, name, content string) string {
	w.t.Helper()
	raw := make([]byte, 20)
	if _, err := fmt.Sscanf(w.object("blob", content), "%x", &raw); err != nil {
		w.t.Fatal(err)
	}
	return strings.TrimSpace(w.must("commit-tree", "-m", "bad", w.object("tree", fmt.Sprintf("%s %s\x00%s", mode, name, raw))))
}

func TestHostileTreesAreRefused(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	w := s.work("myapp")
	for _, name := range []string{".git", ".GIT", "git~1", "..", ".", "../x", "a/b"} {
		out, err := w.run("push", "heroku", w.commitOf("100644", name, "x")+":refs/heads/main")
		if err == nil || len(s.sources) != 0 {
			t.Errorf("%q: %v %s", name, err, out)
		}
	}
	out, err := w.run("push", "heroku", w.commitOf("120000", ".gitmodules", "/etc/passwd")+":refs/heads/main")
	if err == nil || !strings.Contains(out, "gitmodulesSymlink") {
		t.Errorf(".gitmodules as a link: %v %s", err, out)
	}
	w.must("push", "heroku", w.commitOf("120000", ".gitattributes", "/etc/passwd")+":refs/heads/main")
	if got := readBlob(t, s, s.sources[0].Blob)[".gitattributes"]; got != "-> /etc/passwd" {
		t.Errorf(".gitattributes is %q: the link itself is wanted, which nobody follows", got)
	}
}

// Git takes these names of branches: they are stored, nothing reads them as options
// or commands, and none is deployed.
func TestBranchesWithOddNamesAreKeptAndNotDeployed(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	w := s.work("myapp")
	w.commit("a", "1")
	odd := []string{"$(id)", ";id", "a'b", "x/--upload-pack=x", "--upload-pack=x", "-x", "main2", "heads/main", `"><img/onerror=alert(1)>`, "großer"}
	for _, name := range odd {
		if out := w.must("push", "heroku", "main:refs/heads/"+name); !strings.Contains(out, "Pushed to non-main branch, skipping build.") {
			t.Errorf("%s: %s", name, out)
		}
	}
	if refs := w.must("ls-remote", "heroku"); strings.Count(refs, "refs/heads/") != len(odd) || len(s.sources) != 0 {
		t.Errorf("%d builds, refs:\n%s", len(s.sources), refs)
	}
}

func TestNamesWithEscapeCodesDoNoHarm(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	w := s.work("myapp")
	names := []string{"\x1b[31mred", "two\nlines", `"><img src=x onerror=alert(1)>`, "tab\there"}
	for _, name := range names {
		w.write(name, "x")
	}
	w.must("add", "-A")
	w.must("-c", "user.name=\x1b]0;owned\x07", "commit", "-q", "-m", "\x1b[2J\x07Subject\r of mine")
	out := w.must("push", "heroku", "main")
	if strings.ContainsAny(out, "\x1b\x07") || strings.ContainsAny(s.sources[0].Description, "\x1b\x07\r\n") || !strings.Contains(s.sources[0].Description, "Subject") {
		t.Errorf("%q %q", s.sources[0].Description, out)
	}
	got := readBlob(t, s, s.sources[0].Blob)
	for _, name := range names {
		if got[name] != "0644 x" {
			t.Errorf("%q is %q", name, got[name])
		}
	}
}

func TestOnlyACommitIsDeployed(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	w := s.work("myapp")
	w.commit("a", "1")
	w.must("tag", "-a", "-m", "tag", "v1")
	for what, id := range map[string]string{"a tag": "v1", "a file": w.object("blob", "x"), "a folder": "HEAD^{tree}"} {
		out, err := w.run("push", "heroku", id+":refs/heads/main")
		if err == nil || len(s.sources) != 0 {
			t.Errorf("%s: %v %d builds\n%s", what, err, len(s.sources), out)
		}
	}
	w.must("push", "heroku", "main")
	if out := w.must("push", "heroku", "main"); !strings.Contains(out, "Everything up-to-date") || len(s.sources) != 1 {
		t.Errorf("an empty push: %d builds\n%s", len(s.sources), out)
	}
}

// bomb is a pack of a few kilobytes with an object of that many times 16 MB.
func bomb(times int) []byte {
	const part = 1<<24 - 1
	var b bytes.Buffer
	head := func(kind, size int) {
		c := byte(kind<<4 | size&15)
		for size >>= 4; size > 0; size >>= 7 {
			b.WriteByte(c | 0x80)
			c = byte(size & 0x7f)
		}
		b.WriteByte(c)
	}
	deflate := func(p []byte) {
		z := zlib.NewWriter(&b)
		z.Write(p)
		z.Close()
	}
	b.WriteString("PACK\x00\x00\x00\x02\x00\x00\x00\x02")
	base := b.Len()
	head(3, part) // a blob
	deflate(make([]byte, part))
	var delta []byte
	delta = binary.AppendUvarint(delta, part)
	delta = binary.AppendUvarint(delta, uint64(part)*uint64(times))
	for range times {
		delta = append(delta, 0x80|0x70, 0xff, 0xff, 0xff) // copy all of the base
	}
	at := b.Len()
	head(6, len(delta)) // a delta to what is that many bytes before
	offset := at - base
	var back []byte
	for back = []byte{byte(offset & 0x7f)}; offset > 0x7f; {
		offset = offset>>7 - 1
		back = append([]byte{byte(offset&0x7f) | 0x80}, back...)
	}
	b.Write(back)
	deflate(delta)
	sum := sha1.Sum(b.Bytes())
	b.Write(sum[:])
	return b.Bytes()
}

// post sends a pack as a push of main and returns what is answered.
func (w *work) post(pack io.Reader, id string) (string, error) {
	command := fmt.Sprintf("%s %s refs/heads/main\x00report-status side-band-64k", strings.Repeat("0", 40), id)
	head := fmt.Appendf(nil, "%04x%s0000", 4+len(command), command)
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.remote("myapp", "")+"/git-receive-pack", io.MultiReader(bytes.NewReader(head), pack))
	if err != nil {
		w.t.Fatal(err)
	}
	r.SetBasicAuth("x", goodToken)
	r.Header.Set("Content-Type", "application/x-git-receive-pack-request")
	answer, err := w.Client().Do(r)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return string(text), err
}

func TestASmallPackOfAHugeObjectIsRefused(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	w := s.work("myapp")
	pack := bomb(640) // 10 GB
	if len(pack) > 1<<20 {
		t.Fatalf("the pack has %d bytes", len(pack))
	}
	text, err := w.post(bytes.NewReader(pack), strings.Repeat("1", 40))
	if err != nil || !strings.Contains(text, "unpack index-pack") && !strings.Contains(text, "unpack unpack-objects") || len(s.sources) != 0 {
		t.Errorf("%v, %d builds, %q", err, len(s.sources), text)
	}
	s.quiet(t)
	s.nothingLeft(t)
	w.commit("a", "1")
	w.must("push", "heroku", "main")
}

// quiet waits until no push is under way.
func (s *site) quiet(t *testing.T) {
	t.Helper()
	eventually(t, func() bool {
		s.git.mu.Lock()
		defer s.git.mu.Unlock()
		return len(s.git.live) == 0
	})
}

// nothingLeft looks for what an unfinished push leaves in the repository.
func (s *site) nothingLeft(t *testing.T) {
	t.Helper()
	err := filepath.WalkDir(s.git.path(s.apps["myapp"].ID), func(path string, d os.DirEntry, err error) error {
		if err == nil && (strings.Contains(d.Name(), "incoming") || strings.HasPrefix(d.Name(), "tmp_") || strings.HasSuffix(d.Name(), ".lock")) {
			t.Errorf("left: %s", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// fastImport fills a repository the quickest way.
func (w *work) fastImport(stream io.Reader) {
	w.t.Helper()
	cmd := w.command(w.t.Context(), "fast-import", "--quiet", "--force")
	cmd.Stdin = stream
	if out, err := cmd.CombinedOutput(); err != nil {
		w.t.Fatalf("%v: %s", err, out)
	}
}

func TestManyFilesAndManyBranchesArePushed(t *testing.T) {
	t.Parallel()
	const files, branches = 20_000, 1_000
	s := newSite(t)
	w := s.work("myapp")
	var b bytes.Buffer
	b.WriteString("commit refs/heads/main\ncommitter me <me@example.com> 1700000000 +0000\ndata 4\nmany\n")
	for n := range files {
		fmt.Fprintf(&b, "M 100644 inline d%d/e%d/%d\ndata 1\nx\n", n/5000, n/50%100, n)
	}
	for n := range branches {
		fmt.Fprintf(&b, "reset refs/heads/topic/%d\nfrom refs/heads/main\n\n", n)
	}
	w.fastImport(&b)
	out := w.must("push", "-q", "heroku", "refs/heads/*")
	if len(s.sources) != 1 || !strings.Contains(out, fmt.Sprintf("Updated %d paths", files)) {
		t.Errorf("%d builds\n%.500s", len(s.sources), out)
	}
	if got := len(readBlob(t, s, s.sources[0].Blob)); got != files {
		t.Errorf("the source has %d files", got)
	}
}

func TestAPathTooLongForAnyFileSystemIsRefused(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	w := s.work("myapp")
	path := strings.Repeat("a/", 10_000) + "a"
	w.fastImport(strings.NewReader("commit refs/heads/main\ncommitter me <me@example.com> 1700000000 +0000\ndata 4\ndeep\nM 100644 inline " + path + "\ndata 1\nx\n"))
	out, err := w.run("push", "heroku", "main")
	if err == nil || !strings.Contains(out, "Push rejected") || !strings.Contains(out, "20001 bytes") || len(s.sources) != 0 {
		t.Errorf("%v, %d builds\n%.800s", err, len(s.sources), out)
	}
}

func TestATreeOfTooManyPathsIsRefused(t *testing.T) {
	t.Parallel()
	r, w := io.Pipe()
	go func() {
		b := bufio.NewWriter(w)
		for n := range maxPaths + 1 {
			fmt.Fprintf(b, "100644 blob %040d\tf%d\x00", n, n)
		}
		w.CloseWithError(b.Flush())
	}()
	if _, err := readTree(bufio.NewReader(r)); !errors.Is(err, kigo.ErrInvalid) || !strings.Contains(err.Error(), "more than 500000 files") {
		t.Error(err)
	}
	r.Close()
}

// Git is killed at several moments of a push: the repository stays whole, what lies
// about is swept, and the next push goes through.
func TestAReceivePackThatIsKilledHurtsNothing(t *testing.T) {
	testenv.NeedsRoot(t)
	t.Parallel()
	s := newSite(t)
	w := s.work("myapp")
	w.commit("a", "1")
	w.must("push", "heroku", "main")
	data := make([]byte, 3<<20)
	for round := range 4 {
		if _, err := rand.Read(data); err != nil {
			t.Fatal(err)
		}
		w.commit("big", string(data))
		p := w.start("push", "heroku", "main")
		var pid int
		eventually(t, func() bool { pid = receiver(s.git.path(s.apps["myapp"].ID)); return pid != 0 || len(p.err) > 0 })
		if pid != 0 {
			<-time.After(time.Duration(round*round) * 4 * time.Millisecond) // later and later in its work
			_ = syscall.Kill(-pid, syscall.SIGKILL)                         // its session: it may be over
		}
		_ = p.wait()
		s.quiet(t)
		if out, err := w.command(t.Context(), "-c", "safe.directory=*", "--git-dir", s.git.path(s.apps["myapp"].ID), "fsck", "--no-dangling").CombinedOutput(); err != nil {
			t.Errorf("round %d: %v: %s", round, err, out)
		}
	}
	if err := s.git.Sweep(); err != nil {
		t.Fatal(err)
	}
	s.nothingLeft(t)
	w.commit("a", "2")
	w.must("push", "heroku", "main")
}

// An answer that just stopped would have the client's parts wait for each other.
func TestAClientIsToldThatItsReceivePackWasKilled(t *testing.T) {
	testenv.NeedsRoot(t)
	t.Parallel()
	s := newSite(t)
	w := s.work("myapp")
	w.commit("a", "1")
	release := s.slow()
	p := w.start("push", "heroku", "main")
	p.until(t, "Slow")
	if err := syscall.Kill(-receiver(s.git.path(s.apps["myapp"].ID)), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	close(release)
	if err := p.wait(); err == nil || !strings.Contains(p.all.String(), "The platform's git ended in the middle of this push. Push again.") {
		t.Errorf("%v\n%s", err, p.all.String())
	}
}

// receiver finds the receive-pack of a repository, whose session it leads.
func receiver(repo string) int {
	lines, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range lines {
		text, err := os.ReadFile(file)
		if err != nil || !strings.Contains(string(text), "receive-pack\x00--stateless-rpc\x00"+repo) {
			continue
		}
		var pid int
		if _, err := fmt.Sscanf(file, "/proc/%d/cmdline", &pid); err == nil {
			if sid, err := syscall.Getpgid(pid); err == nil && sid == pid {
				return pid
			}
		}
	}
	return 0
}
