package cli_test

import (
	"context"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kigo-dev/kigo/cli"
)

func TestConnectRunsACommandThatHasAKeyAndNotTheToken(t *testing.T) {
	f := newFake(t)
	env := environment(t, f)
	token := env["HEROKU_API_KEY"]
	out, errs, code := kigo(t, env, "", "connect", "sh", "-c", `echo "$HEROKU_HOST $HEROKU_API_KEY $HEROKU_GIT_HOST"; exit 7`)
	if code != 7 {
		t.Fatalf("status %d, want the command's 7: %s%s", code, out, errs)
	}
	fields := strings.Fields(out)
	if len(fields) != 3 || !regexp.MustCompile(`^http://localhost:\d+$`).MatchString(fields[0]) || fields[1] == token || fields[1] == "" {
		t.Errorf("the command got %q", out)
	}
	if _, errs, code := kigo(t, env, "", "connect", "no-such-command-here"); code != 1 || !strings.Contains(errs, "no-such-command-here") {
		t.Errorf("a command that is not there: %d %s", code, errs)
	}
	if _, errs, code := kigo(t, env, "", "connect", "--listen", "0.0.0.0:0", "true"); code != 2 || !strings.Contains(errs, "for this machine alone") {
		t.Errorf("listening to the world: %d %s", code, errs)
	}
	if _, errs, code := kigo(t, env, "", "connect", "--listen", "127.0.0.1:notaport", "true"); code != 1 || !strings.Contains(errs, "--listen") {
		t.Errorf("no port: %d %s", code, errs)
	}
	env["HEROKU_API_KEY"] = "wrong"
	if _, errs, code := kigo(t, env, "", "connect", "true"); code != 100 || !strings.Contains(errs, "Invalid credentials") {
		t.Errorf("with a token that is not good: %d %s", code, errs)
	}
}

// pipe takes what a command prints while it runs.
type pipe struct {
	mu   sync.Mutex
	text strings.Builder
}

func (p *pipe) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.Write(b)
}

// until waits for a word and returns all that was printed.
func (p *pipe) until(t *testing.T, word string) string {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; {
		p.mu.Lock()
		text := p.text.String()
		p.mu.Unlock()
		if strings.Contains(text, word) {
			return text
		}
		if time.Now().After(end) {
			t.Fatalf("%q never came: %s", word, text)
		}
		<-time.After(5 * time.Millisecond)
	}
}

func TestConnectPrintsVariablesAndLastsUntilItIsEnded(t *testing.T) {
	f := newFake(t)
	for k, v := range environment(t, f) {
		t.Setenv(k, v)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	printed := &pipe{}
	ended := make(chan int, 1)
	go func() { ended <- cli.Main(ctx, []string{"connect"}, strings.NewReader(""), printed, printed) }()
	text := printed.until(t, "Ctrl-C")
	value := func(name string) string {
		m := regexp.MustCompile(`export ` + name + `='?([^'\n]*)'?`).FindStringSubmatch(text)
		if m == nil {
			t.Fatalf("no %s in %s", name, text)
		}
		return m[1]
	}
	q, err := http.NewRequestWithContext(t.Context(), http.MethodGet, value("HEROKU_HOST")+"/account", nil)
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set("Authorization", "Bearer "+value("HEROKU_API_KEY"))
	res, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Errorf("through the bridge: %d", res.StatusCode)
	}
	cancel()
	if code := <-ended; code != 0 {
		t.Errorf("ended with %d", code)
	}
}
