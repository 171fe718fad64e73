package store_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/store"
	"github.com/kigo-dev/kigo/store/storetest"
)

// The test program runs itself again as a writer, told by this variable.
const roleVariable = "KIGO_STORE_TEST_ROLE"

func TestMain(m *testing.M) {
	switch os.Getenv(roleVariable) {
	case "writer":
		fmt.Fprintln(os.Stderr, writeForEver(os.Args[1]))
		os.Exit(1)
	case "io error":
		exit(meetIOError(os.Args[1]))
	case "full disk":
		exit(fillDisk(os.Args[1]))
	}
	os.Exit(m.Run())
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func reexec(role, path string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], path)
	cmd.Env = append(os.Environ(), roleVariable+"="+role)
	cmd.Stderr = os.Stderr
	return cmd
}

func childBox() store.Options { return store.Options{Box: storetest.Box(&testing.T{})} }

// writeForEver commits an event and a row at a time and then says its number.
func writeForEver(dsn string) error {
	ctx := context.Background()
	s, err := store.Open(ctx, dsn, childBox())
	if err != nil {
		return err
	}
	for {
		var revision int64
		err := s.Update(ctx, func(tx *store.Tx) error {
			before, err := tx.Revision()
			if err != nil {
				return err
			}
			revision = before + 1
			if err := tx.PutMeta(fmt.Sprint("row", revision), strings.Repeat("x", 300)); err != nil {
				return err
			}
			if err := keepSecret(tx, fmt.Sprint("app-", revision)); err != nil {
				return err
			}
			return tx.Emit(kigo.Event{Kind: "app.update"})
		})
		if err != nil {
			return err
		}
		fmt.Println(revision)
	}
}

// keepSecret makes an app of that name with its name as a secret, and so a key of the app.
func keepSecret(tx *store.Tx, name string) error {
	owner, err := tx.AccountByEmail("a@example.com")
	if errors.Is(err, kigo.ErrNotFound) {
		owner, err = newOwner(tx)
	}
	if err != nil {
		return err
	}
	app := kigo.App{Name: name, Owner: owner.ID}
	if err := tx.CreateApp(&app); err != nil {
		return err
	}
	return tx.CreateRelease(&kigo.Release{App: app.ID}, kigo.ConfigVars{"A": name})
}

func TestAKilledWriterLosesNothingAcknowledged(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { killWriters(t, "sqlite:"+dbPath(t)) })
	t.Run("postgres", func(t *testing.T) { killWriters(t, storetest.StartPostgres(t).Database(t)) })
}

func killWriters(t *testing.T, dsn string) {
	for round := range 8 {
		cmd := reexec("writer", dsn)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		var acknowledged int64
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ {
			if _, err := fmt.Sscan(lines.Text(), &acknowledged); err != nil {
				t.Fatal(err)
			}
			if n == 5+7*round {
				cmd.Process.Kill() // and read what it still said
			}
		}
		cmd.Wait()
		if acknowledged == 0 {
			t.Fatal("the writer said nothing")
		}
		checkAcknowledged(t, dsn, acknowledged)
	}
}

// checkAcknowledged opens what the killed writer left; quick_check runs at that.
func checkAcknowledged(t *testing.T, dsn string, acknowledged int64) {
	t.Helper()
	s, err := store.Open(context.Background(), dsn, childBox())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	err = s.View(context.Background(), func(tx *store.Tx) error {
		revision, err := tx.Revision()
		if err != nil {
			return err
		}
		// One more may have been committed and not said.
		if revision != acknowledged && revision != acknowledged+1 {
			t.Errorf("revision %d after %d was acknowledged", revision, acknowledged)
		}
		events, err := tx.EventsAfter(0, 1_000_000)
		if int64(len(events)) != revision {
			t.Errorf("%d events at revision %d", len(events), revision)
		}
		for i := int64(1); i <= revision && err == nil; i++ {
			_, err = tx.Meta(fmt.Sprint("row", i))
		}
		if err != nil {
			return err
		}
		apps, err := tx.Apps()
		if int64(len(apps)) != revision {
			t.Errorf("%d apps at revision %d", len(apps), revision)
		}
		for _, a := range apps {
			if vars, err := tx.ConfigVars(a.ID); err != nil || vars["A"] != a.Name {
				t.Errorf("%s has %v, %v", a.Name, vars, err)
			}
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestAnIOErrorIsUnknownAndTheStoreOpensAgain(t *testing.T) {
	if err := reexec("io error", dbPath(t)).Run(); err != nil {
		t.Fatal(err)
	}
}

// meetIOError makes the disk fail by a limit on the size of files: SQLite takes
// it for an I/O error, not for a full disk.
func meetIOError(path string) error {
	signal.Ignore(syscall.SIGXFSZ)
	ctx := context.Background()
	s, err := store.Open(ctx, "sqlite:"+path, childBox())
	if err != nil {
		return err
	}
	defer s.Close()
	if err := put(s, "before", "1"); err != nil {
		return err
	}
	var before unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &before); err != nil {
		return err
	}
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 300 << 10, Max: before.Max}); err != nil {
		return err
	}
	var failed error
	for i := 0; i < 200 && failed == nil; i++ {
		failed = put(s, fmt.Sprint("big", i), strings.Repeat("x", 20_000))
	}
	if e, ok := kigo.AsError(failed); !ok || e.ID != kigo.IDUnavailable || !errors.Is(failed, store.ErrUnknown) || !strings.Contains(e.Message, "unknown") {
		return fmt.Errorf("got %v, want that the outcome is unknown", failed)
	}
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &before); err != nil {
		return err
	}
	if err := put(s, "after", "1"); err != nil {
		return fmt.Errorf("after the disk has healed: %w", err)
	}
	return s.View(ctx, func(tx *store.Tx) error {
		_, err := tx.Meta("before")
		return err
	})
}
