package secret

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
	"golang.org/x/sync/semaphore"
)

// Costs of argon2id (RFC 9106, second recommended option: 64 MiB, 3 passes).
const (
	passwordTime    = 3
	passwordMemory  = 64 << 10 // KiB
	passwordThreads = 4
	passwordKey     = 32
)

// Passwords hashes passwords and checks them. Its zero value costs what protects them;
// only tests of other things make it cheap.
type Passwords struct {
	Memory uint32 // KiB; 0: 64 MiB
	Time   uint32 // passes; 0: 3
}

// with makes what is hashed by these costs.
func (c Passwords) with(salt []byte) phc {
	p := phc{memory: passwordMemory, time: passwordTime, threads: passwordThreads, salt: salt}
	if c.Memory != 0 {
		p.memory = c.Memory
	}
	if c.Time != 0 {
		p.time = c.Time
	}
	return p
}

// passwordWork bounds how many hashes are computed at once: each takes 64 MiB,
// and a flood of logins must not take the machine's memory.
var passwordWork = semaphore.NewWeighted(4)

// Hash returns a PHC string: "$argon2id$v=19$m=65536,t=3,p=4$salt$hash".
func (c Passwords) Hash(ctx context.Context, password string) (string, error) {
	salt := make([]byte, 16)
	rand.Read(salt)
	p := c.with(salt)
	sum, err := p.sum(ctx, password, passwordKey)
	if err != nil {
		return "", fmt.Errorf("hash password: %w", err)
	}
	p.hash = sum
	return p.String(), nil
}

// Verify reports whether password is the one that hash was made of. The
// empty hash matches nothing, after the same work as any other, so that the time
// does not tell whether an account exists.
func (c Passwords) Verify(ctx context.Context, hash, password string) (bool, error) {
	p, err := parsePHC(hash)
	if hash == "" {
		p = c.with(make([]byte, 16))
		p.hash = make([]byte, passwordKey)
	} else if err != nil {
		return false, err
	}
	sum, err := p.sum(ctx, password, len(p.hash))
	if err != nil {
		return false, fmt.Errorf("verify password: %w", err)
	}
	return hash != "" && subtle.ConstantTimeCompare(sum, p.hash) == 1, nil
}

// phc is a parsed argon2id hash string.
type phc struct {
	memory, time uint32
	threads      uint8
	salt, hash   []byte
}

func (p phc) sum(ctx context.Context, password string, n int) ([]byte, error) {
	if err := passwordWork.Acquire(ctx, 1); err != nil {
		return nil, err
	}
	defer passwordWork.Release(1)
	return argon2.IDKey([]byte(password), p.salt, p.time, p.memory, p.threads, uint32(n)), nil
}

func (p phc) String() string {
	e := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, p.memory, p.time, p.threads,
		e.EncodeToString(p.salt), e.EncodeToString(p.hash))
}

func parsePHC(s string) (phc, error) {
	var p phc
	bad := fmt.Errorf("parse password hash: not an argon2id hash")
	f := strings.Split(s, "$")
	if len(f) != 6 || f[1] != "argon2id" || f[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return p, bad
	}
	if _, err := fmt.Sscanf(f[3], "m=%d,t=%d,p=%d", &p.memory, &p.time, &p.threads); err != nil {
		return p, bad
	}
	var err error
	if p.salt, err = base64.RawStdEncoding.DecodeString(f[4]); err != nil {
		return p, bad
	}
	if p.hash, err = base64.RawStdEncoding.DecodeString(f[5]); err != nil || len(p.hash) == 0 || p.threads == 0 || p.time == 0 {
		return p, bad
	}
	return p, nil
}
