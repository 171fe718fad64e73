package secret_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kigo-dev/kigo/secret"
)

func key(b byte) []byte { return bytes.Repeat([]byte{b}, secret.KeySize) }

func box(t *testing.T, keys ...[]byte) *secret.Box {
	t.Helper()
	b, err := secret.NewBox(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestASealedValueOpensInItsPlaceOnly(t *testing.T) {
	b := box(t, key(1))
	for _, plain := range []string{"", "hello", strings.Repeat("x", 1<<20)} {
		record := b.Seal("releases|1|config", []byte(plain))
		got, err := b.Open("releases|1|config", record)
		if err != nil || string(got) != plain {
			t.Errorf("opened %d bytes, %v", len(got), err)
		}
		if plain != "" && bytes.Contains(record, []byte(plain)) {
			t.Error("the record shows the plain text")
		}
		if bytes.Equal(record, b.Seal("releases|1|config", []byte(plain))) {
			t.Error("sealing twice gives the same record")
		}
		if _, err := b.Open("releases|2|config", record); !errors.Is(err, secret.ErrDamaged) {
			t.Errorf("in another row: %v", err)
		}
	}
}

func TestAChangedRecordDoesNotOpen(t *testing.T) {
	b := box(t, key(1))
	record := b.Seal("p", []byte("hello"))
	for i := range record {
		changed := bytes.Clone(record)
		changed[i] ^= 1
		if _, err := b.Open("p", changed); err == nil {
			t.Errorf("opened with byte %d changed", i)
		}
		if _, err := b.Open("p", record[:i]); err == nil {
			t.Errorf("opened the first %d bytes", i)
		}
	}
}

func TestARotatedBoxOpensOldRecords(t *testing.T) {
	old, rotated := box(t, key(1)), box(t, key(2), key(1))
	record := old.Seal("p", []byte("hello"))
	if got, err := rotated.Open("p", record); err != nil || string(got) != "hello" {
		t.Errorf("old record: %q, %v", got, err)
	}
	if !rotated.Stale(record) || rotated.Stale(rotated.Seal("p", nil)) {
		t.Error("stale is said of the wrong one")
	}
	if _, err := old.Open("p", rotated.Seal("p", nil)); !errors.Is(err, secret.ErrUnknownKey) {
		t.Errorf("new record in the old box: %v", err)
	}
	if bytes.Equal(old.Derive("a"), old.Derive("b")) || !bytes.Equal(old.Derive("a"), box(t, key(1)).Derive("a")) {
		t.Error("derived keys are not one for each purpose")
	}
}

func TestADataKeyIsKeptSealedAndOpensInItsPlaceOnly(t *testing.T) {
	b := box(t, key(1))
	kept := b.NewDataKey("app_keys|a|sealed")
	k, err := b.DataKey("app_keys|a|sealed", kept)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.DataKey("app_keys|b|sealed", kept); !errors.Is(err, secret.ErrDamaged) {
		t.Errorf("another app's key: %v", err)
	}
	if _, err := box(t, key(2)).DataKey("app_keys|a|sealed", kept); !errors.Is(err, secret.ErrUnknownKey) {
		t.Errorf("with another master key: %v", err)
	}
	if _, err := b.DataKey("app_keys|a|sealed", nil); !errors.Is(err, secret.ErrDamaged) {
		t.Errorf("no key: %v", err)
	}
	other, err := b.DataKey("x", b.NewDataKey("x"))
	if err != nil {
		t.Fatal(err)
	}
	for _, plain := range []string{"", "hello", strings.Repeat("x", 1<<20)} {
		record := k.Seal("p", []byte(plain))
		got, err := k.Open("p", record)
		if err != nil || string(got) != plain || !secret.ByDataKey(record) || secret.ByDataKey(b.Seal("p", []byte(plain))) {
			t.Errorf("opened %d bytes, %v", len(got), err)
		}
		if bytes.Equal(record, k.Seal("p", []byte(plain))) {
			t.Error("sealing twice gives the same record")
		}
		for what, try := range map[string]func() ([]byte, error){
			"in another place":      func() ([]byte, error) { return k.Open("q", record) },
			"with another key":      func() ([]byte, error) { return other.Open("p", record) },
			"with the master key":   func() ([]byte, error) { return b.Open("p", record) },
			"cut off":               func() ([]byte, error) { return k.Open("p", record[:len(record)-1]) },
			"nothing":               func() ([]byte, error) { return k.Open("p", nil) },
			"one of the master key": func() ([]byte, error) { return k.Open("p", b.Seal("p", []byte(plain))) },
		} {
			if _, err := try(); !errors.Is(err, secret.ErrDamaged) {
				t.Errorf("%s: %v", what, err)
			}
		}
	}
}

func TestTheKeyFileIsMadeOnceAndKeptPrivate(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key")
	first, err := secret.OpenBox(file)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	second, err := secret.OpenBox(file)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := second.Open("p", first.Seal("p", []byte("x"))); err != nil || string(got) != "x" {
		t.Errorf("after a restart: %q, %v", got, err)
	}
	left, _ := os.ReadDir(filepath.Dir(file))
	if len(left) != 1 {
		t.Errorf("files left: %v", left)
	}
}

func TestBadKeyFilesAreRefused(t *testing.T) {
	good := strings.Repeat("ab", secret.KeySize)
	for name, c := range map[string]struct {
		text string
		mode os.FileMode
		want string
	}{
		"readable by the group": {good, 0o640, "chmod 600"},
		"readable by all":       {good, 0o604, "chmod 600"},
		"empty":                 {"\n", 0o600, "empty"},
		"short":                 {good[2:], 0o600, "key 1"},
		"second one bad":        {good + "\nxyz\n", 0o600, "key 2"},
	} {
		file := filepath.Join(t.TempDir(), "key")
		if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(file, c.mode); err != nil {
			t.Fatal(err)
		}
		_, err := secret.OpenBox(file)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "abab") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := secret.NewBox(); err == nil {
		t.Error("a box without a key was made")
	}
	if _, err := secret.NewBox([]byte("short")); err == nil {
		t.Error("a box with a short key was made")
	}
}

func TestTokensAreLongAndTheirHintsTellLittle(t *testing.T) {
	token := secret.NewToken()
	if !strings.HasPrefix(token, "HRKU-") || len(token) != 5+43 || token == secret.NewToken() {
		t.Errorf("token %q", token)
	}
	hint := secret.TokenHint(token)
	if hint != token[:9]+"**********"+token[len(token)-4:] {
		t.Errorf("hint %q", hint)
	}
	if got := secret.TokenHint("short"); got != "**********" {
		t.Errorf("hint of a short one %q", got)
	}
	if bytes.Equal(secret.HashToken("a"), secret.HashToken("b")) || len(secret.HashToken("a")) != 32 {
		t.Error("hashes")
	}
}

func TestPasswordsVerify(t *testing.T) {
	ctx := context.Background()
	var passwords secret.Passwords
	hash, err := passwords.Hash(ctx, "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(hash, "$argon2id$v=19$m=65536,t=3,p=4$") {
		t.Errorf("the costs that protect passwords have changed: %s", hash)
	}
	cheap, err := secret.Passwords{Memory: 64, Time: 1}.Hash(ctx, "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		hash, password string
		want           bool
	}{
		{hash, "correct horse", true}, {cheap, "correct horse", true}, {cheap, "x", false},
		{hash, "Correct horse", false}, {hash, "", false}, {"", "", false}, {"", "x", false},
	} {
		if got, err := passwords.Verify(ctx, c.hash, c.password); err != nil || got != c.want {
			t.Errorf("%q against %.20q: %v, %v", c.password, c.hash, got, err)
		}
	}
	for _, bad := range []string{"x", "$argon2id$v=19$m=1,t=0,p=1$AA$AA", "$argon2i$v=19$m=1,t=1,p=1$AA$AA", "$argon2id$v=19$m=1,t=1,p=1$AA$"} {
		if _, err := passwords.Verify(ctx, bad, "x"); err == nil {
			t.Errorf("hash %q was taken", bad)
		}
	}
}
