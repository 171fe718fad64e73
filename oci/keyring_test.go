package oci_test

import (
	"bytes"
	"os"
	"strconv"
	"testing"

	"github.com/kigo-dev/kigo"
)

// A user that is not root has room for 200 keys: what each dyno of an app took of it
// would end at some hundred dynos.
func TestDynosTakeNoneOfTheKeysOfTheirAppsUser(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	l := r.launch("testapp", "serve")
	l.UIDBase += 4001 * kigo.UIDRange // nobody else's here
	l.Port, l.Slug = 5000, r.images.Slug
	r.start(l)
	r.await(l.ID, kigo.RunReady)
	users, err := os.ReadFile("/proc/key-users")
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(users) {
		of, _, _ := bytes.Cut(bytes.TrimSpace(line), []byte(":"))
		uid, err := strconv.ParseUint(string(of), 10, 32)
		if err != nil {
			t.Fatalf("user of keys %q: %v", line, err)
		}
		if uint32(uid) >= l.UIDBase && uint32(uid) < l.UIDBase+kigo.UIDRange {
			t.Errorf("the app's user has keys: %s", line)
		}
	}
}
