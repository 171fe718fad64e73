package static

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/tg123/go-htpasswd"
)

// lock lets those in who know a password.
type lock struct {
	users *htpasswd.File
	turn  chan struct{} // hashes are made to take long: two at once
	mu    sync.Mutex
	known map[[sha256.Size]byte]bool // pairs of name and password that were right
}

// hashes are the forms of passwords that a lock takes. One in the clear is none.
var hashes = []htpasswd.PasswdParser{htpasswd.AcceptMd5, htpasswd.AcceptSha, htpasswd.AcceptSsha, htpasswd.AcceptBcrypt, htpasswd.AcceptCryptSha}

// errNoUsers is a lock without a key.
var errNoUsers = errors.New("basic_auth is on, but nobody can log in: set the config vars BASIC_AUTH_USERNAME and BASIC_AUTH_PASSWORD, or put a file .htpasswd into the app")

// newLock reads the app's file of passwords and the config vars, whose password is
// a hash as in such files.
func newLock(home string, c Config, get func(string) (string, bool)) (*lock, error) {
	file := c.AuthFile
	if file == "" {
		file = ".htpasswd"
	}
	if rel, ok := strings.CutPrefix(file, "/app/"); ok || !filepath.IsAbs(file) {
		if !ok {
			rel = file
		}
		file = filepath.Join(home, filepath.FromSlash(rel))
	}
	text, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read passwords: %w", err)
	}
	name, hasName := get("BASIC_AUTH_USERNAME")
	password, hasPassword := get("BASIC_AUTH_PASSWORD")
	if hasName && hasPassword {
		text = append(text, "\n"+name+":"+password+"\n"...)
	}
	var bad error
	users, err := htpasswd.NewFromReader(strings.NewReader(string(text)), hashes, func(error) {
		bad = errors.New("a password for basic_auth is not a hash: make one with `openssl passwd -apr1`")
	})
	if err = errors.Join(err, bad); err != nil {
		return nil, err
	}
	if len(strings.TrimSpace(string(text))) == 0 {
		return nil, errNoUsers
	}
	return &lock{users: users, turn: make(chan struct{}, 2), known: map[[sha256.Size]byte]bool{}}, nil
}

// locked answers those who may not come in.
func (h *Handler) locked(w http.ResponseWriter, r *http.Request) bool {
	if h.lock == nil || h.lock.opens(r) {
		return false
	}
	w.Header().Set("WWW-Authenticate", `Basic realm="Restricted"`)
	http.Error(w, "401 Authorization Required", http.StatusUnauthorized)
	return true
}

func (l *lock) opens(r *http.Request) bool {
	name, password, ok := r.BasicAuth()
	if !ok {
		return false
	}
	pair := sha256.Sum256([]byte(name + "\x00" + password))
	l.mu.Lock()
	known := l.known[pair]
	l.mu.Unlock()
	if known {
		return true
	}
	select {
	case l.turn <- struct{}{}:
		defer func() { <-l.turn }()
	case <-r.Context().Done():
		return false
	}
	if !l.users.Match(name, password) {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.known[pair] = true
	return true
}
