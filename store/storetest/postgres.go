package storetest

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
)

// Postgres is a PostgreSQL server of a test's own: Debian's program, data in a
// temporary folder, reachable on a unix socket there and nowhere else.
type Postgres struct {
	dir       string
	databases atomic.Int64

	once     sync.Once
	template string // a database that has every migration behind it
}

const noPostgres = "PostgreSQL is needed for this test: apt-get install --no-install-recommends postgresql"

// StartPostgres starts a server that ends with the test. Start one for a group of
// tests and give each a Database of its own.
func StartPostgres(t testing.TB) *Postgres {
	t.Helper()
	bin := postgresBin()
	if bin == "" {
		t.Fatal(noPostgres)
	}
	cred, err := postgresUser()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "kigo-pg-") // short: a socket's path has at most 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if cred != nil {
		if err := os.Chown(dir, int(cred.Uid), int(cred.Gid)); err != nil {
			t.Fatal(err)
		}
	}
	data := filepath.Join(dir, "data")
	initdb := exec.Command(filepath.Join(bin, "initdb"), "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	initdb.Dir, initdb.SysProcAttr = dir, &syscall.SysProcAttr{Credential: cred}
	if out, err := initdb.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	p := &Postgres{dir: dir}
	p.serve(t, filepath.Join(bin, "postgres"), data, cred)
	return p
}

// serve runs the server until the test ends.
func (p *Postgres) serve(t testing.TB, bin, data string, cred *syscall.Credential) {
	var log bytes.Buffer
	cmd := exec.Command(bin, "-D", data, "-k", p.dir, "-c", "listen_addresses=", "-c", "fsync=off",
		"-c", "shared_buffers=16MB", "-c", "max_connections=200")
	cmd.Dir, cmd.Stdout, cmd.Stderr = p.dir, &log, &log
	// SIGQUIT when we are killed: it stops at once and takes its children along.
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: cred, Pdeathsig: syscall.SIGQUIT}
	started, ended := make(chan error), make(chan struct{})
	go func() {
		runtime.LockOSThread() // Pdeathsig means the death of the thread that started it
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // its end is by a signal of ours, or its log says why
		}
		close(ended)
	}()
	if err := <-started; err != nil {
		t.Fatalf("start postgres: %v", err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGQUIT)
		<-ended
	})
	p.waitReady(t, ended, &log)
}

func (p *Postgres) waitReady(t testing.TB, ended chan struct{}, log *bytes.Buffer) {
	db, err := sql.Open("pgx", p.dsn("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := db.PingContext(ctx)
		if err == nil {
			return
		}
		select {
		case <-ended:
			t.Fatalf("postgres ended at its start:\n%s", log.String())
		case <-ctx.Done():
			t.Fatalf("postgres does not answer: %v", err)
		case <-tick.C:
		}
	}
}

// Database makes an empty database and returns its address for store.Open.
func (p *Postgres) Database(t testing.TB) string {
	t.Helper()
	return p.dsn(p.create(t, ""))
}

// Platform makes a database as File makes a file, and returns its address.
func (p *Postgres) Platform(t testing.TB) string {
	t.Helper()
	p.once.Do(func() {
		p.template = p.create(t, "")
		if err := migrated(p.dsn(p.template)); err != nil {
			t.Fatal(err)
		}
	})
	return p.dsn(p.create(t, " TEMPLATE "+p.template))
}

func (p *Postgres) create(t testing.TB, from string) string {
	t.Helper()
	db, err := sql.Open("pgx", p.dsn("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	name := fmt.Sprintf("kigo%d", p.databases.Add(1))
	if _, err := db.Exec("CREATE DATABASE " + name + from); err != nil {
		t.Fatalf("create database: %v", err)
	}
	return name
}

func (p *Postgres) dsn(database string) string {
	return fmt.Sprintf("postgres://postgres@/%s?host=%s", database, url.QueryEscape(p.dir))
}

// postgresBin is the folder of the newest server programs that Debian installed.
func postgresBin() string {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if len(found) == 0 {
		if path, err := exec.LookPath("postgres"); err == nil {
			return filepath.Dir(path)
		}
		return ""
	}
	slices.SortFunc(found, func(a, b string) int { return majorVersion(a) - majorVersion(b) })
	return filepath.Dir(found[len(found)-1])
}

func majorVersion(path string) int {
	n, _ := strconv.Atoi(strings.Split(path, "/")[4])
	return n
}

// postgresUser is whom the server runs as when we are root, which it refuses.
func postgresUser() (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, _ := strconv.ParseUint(u.Uid, 10, 32)
		gid, _ := strconv.ParseUint(u.Gid, 10, 32)
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, fmt.Errorf("run postgres: no user postgres or nobody")
}
