package e2e

import (
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/kigo-dev/kigo/client"
	"github.com/kigo-dev/kigo/internal/testenv"
	"github.com/kigo-dev/kigo/mail/mailtest"
)

// TestLettersLeadToANewPasswordAndANewAddress does what the letters of the real server say.
func TestLettersLeadToANewPasswordAndANewAddress(t *testing.T) {
	testenv.NeedsRoot(t)
	t.Parallel()
	address, letters := mailtest.Start(t)
	s := startServer(t, setup{args: []string{"--smtp", "smtp://" + address, "--mail-from", "kigo@example.com"}})
	operator := s.client(t)
	var bob client.NewAccount
	if err := operator.Do(t.Context(), "POST", "/kigo/accounts", map[string]string{"email": "bob@example.com"}, &bob); err != nil {
		t.Fatal(err)
	}
	kigo := func(token, stdin string, args ...string) {
		t.Helper()
		cmd := exec.Command(filepath.Join(s.root, "bin", "kigo"), args...)
		cmd.Env = []string{"HEROKU_HOST=" + s.api, "HEROKU_API_KEY=" + token, "HOME=" + t.TempDir()}
		cmd.Stdin = strings.NewReader(stdin)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("kigo %v: %v\n%s", args, err, out)
		}
	}
	// told waits for a letter that names a command, and returns the token behind it.
	told := func(command string) (token string) {
		t.Helper()
		eventually(t, "a letter with "+command, func() error {
			for _, l := range letters() {
				m := regexp.MustCompile(command + ` (\S+)`).FindStringSubmatch(strings.ReplaceAll(l, "=\r\n", ""))
				if m != nil {
					token = m[1]
					return nil
				}
			}
			return errors.New("there is none")
		})
		return token
	}
	kigo("", "", "password:forgot", "bob@example.com")
	const password = "correct horse battery"
	kigo("", fmt.Sprintf("%s\n%s\n", password, password), "password:reset", told("password:reset"))
	a, err := client.New(s.api, "").Login(t.Context(), "bob@example.com", password, client.NewAuthorization{Scope: []string{"global"}})
	if err != nil {
		t.Fatal(err)
	}
	kigo(a.AccessToken.Token, password+"\n", "email:change", "robert@example.com")
	kigo("", "", "email:confirm", told("email:confirm"))
	me, err := client.New(s.api, a.AccessToken.Token).Account(t.Context())
	if err != nil || me.Email != "robert@example.com" {
		t.Errorf("the address is %q: %v", me.Email, err)
	}
}
