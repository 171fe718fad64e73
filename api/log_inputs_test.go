package api_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/client"
	"github.com/kigo-dev/kigo/logplex"
)

// post sends a body of log lines, as an add-on does.
func (s *server) postLogs(token, contentType, body string, header ...string) (int, string, http.Header) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.srv.URL+"/logs", strings.NewReader(body))
	must(s.t, err)
	if token != "" {
		r.SetBasicAuth("token", token)
	}
	r.Header.Set("Content-Type", contentType)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := s.srv.Client().Do(r)
	must(s.t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	must(s.t, err)
	return resp.StatusCode, string(text), resp.Header
}

func (s *server) logLines(app kigo.AppID) (all []string) {
	s.t.Helper()
	must(s.t, s.hub.Tail(context.Background(), app, logplex.Filter{Lines: 100}, func(_ uint64, l kigo.LogLine) error {
		all = append(all, l.Source+"["+l.Process+"]: "+l.Message)
		return nil
	}))
	return all
}

const logplexFrames = "application/logplex-1"

func TestAddOnsWriteLinesWithTheirToken(t *testing.T) {
	t.Parallel()
	s, ctx := newServer(t), t.Context()
	app := s.app("myapp")
	in, err := s.AddLogInput(ctx, "myapp", "my-addon")
	must(t, err)
	if u, err := url.Parse(in.URL); err != nil || u.Path != "/logs" || u.User.String() != "token:"+in.Token || !strings.HasPrefix(in.Token, "t.") {
		t.Fatalf("the address is %s, %v", in.URL, err)
	}
	message := "<190>1 2026-11-22T12:00:00Z host " + in.Token + " redis - used_memory=7"
	body := fmt.Sprintf("%d %s%d %s", len(message), message, len(message), message)
	for range 2 { // the answer was lost: the same frame comes again
		if status, text, _ := s.postLogs(in.Token, logplexFrames, body, "Logplex-Msg-Count", "2", "Logplex-Frame-Id", "f1"); status != http.StatusNoContent || text != "" {
			t.Fatalf("%d %s", status, text)
		}
	}
	got := s.logLines(kigo.AppID(app.ID))
	if n := strings.Count(strings.Join(got, "\n"), "app[redis]: used_memory=7"); n != 2 {
		t.Errorf("%d lines in %q", n, got)
	}
	all, err := s.LogInputs(ctx, "myapp")
	must(t, err)
	if len(all) != 1 || all[0].Name != "my-addon" || all[0].Token != "" || all[0].URL != "" {
		t.Errorf("the list is %+v", all)
	}
	_, err = s.RemoveLogInput(ctx, "myapp", "my-addon")
	must(t, err)
	if status, text, _ := s.postLogs(in.Token, logplexFrames, body); status != http.StatusUnauthorized || !strings.Contains(text, "of no log input") {
		t.Errorf("after its end: %d %s", status, text)
	}
}

func TestBadLogInputIsRefusedWithAReason(t *testing.T) {
	t.Parallel()
	s, ctx := newServer(t), t.Context()
	app := s.app("myapp")
	in, err := s.AddLogInput(ctx, "myapp", "my-addon")
	must(t, err)
	before := len(s.logLines(kigo.AppID(app.ID)))
	good := "17 <13>1 - c d e - f"
	for _, c := range []struct {
		token, contentType, body, count string
		status                          int
		want                            string
	}{
		{"", logplexFrames, good, "", 401, "There is no token"},
		{"t.unknown", logplexFrames, good, "", 401, "of no log input"},
		{in.Token, "text/plain", good, "", 400, `Content-Type is \"text/plain\": it must be application/logplex-1`},
		{in.Token, logplexFrames, good, "two", 400, `Logplex-Msg-Count is \"two\"`},
		{in.Token, logplexFrames, good, "-1", 400, "Logplex-Msg-Count"},
		{in.Token, logplexFrames, good, "2", 400, "Logplex-Msg-Count is 2, but the body holds 1 messages"},
		{in.Token, logplexFrames, good + "x", "", 400, "none was taken: message 2 at byte 20"},
		{in.Token, logplexFrames, "4294967295 x", "", 400, "is not a number of bytes"},
		{in.Token, logplexFrames, "70000 x", "", 400, "at most 65536 bytes"},
		{in.Token, logplexFrames, "", "", 400, "holds no message"},
		{in.Token, logplexFrames, strings.Repeat("x", logplex.MaxInput+1), "", 413, "the maximum is 4194304 bytes"},
	} {
		var header []string
		if c.count != "" {
			header = []string{"Logplex-Msg-Count", c.count}
		}
		if status, text, _ := s.postLogs(c.token, c.contentType, c.body, header...); status != c.status || !strings.Contains(text, c.want) {
			t.Errorf("%.40q: %d %s, want %d %s", c.body, status, text, c.status, c.want)
		}
	}
	if after := s.logLines(kigo.AppID(app.ID)); len(after) != before {
		t.Errorf("of bad input came %q", after[before:])
	}
	for _, name := range []string{"", "Big", "api", "router", "a b", strings.Repeat("a", 31)} {
		_, err := s.AddLogInput(ctx, "myapp", name)
		wantError(t, err, 422, "invalid_params", "")
	}
	_, err = s.AddLogInput(ctx, "myapp", "my-addon")
	wantError(t, err, 409, "conflict", "my-addon already")
	_, err = s.RemoveLogInput(ctx, "myapp", "other")
	wantError(t, err, 404, "not_found", "Couldn't find that log input.")
}

func TestWhoGuessesTokensIsSlowedDown(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	for i := range 100 {
		status, text, header := s.postLogs(fmt.Sprint("t.", i), logplexFrames, "x")
		if status == http.StatusTooManyRequests {
			if i < 20 || header.Get("Retry-After") == "" || !strings.Contains(text, "rate_limit") {
				t.Errorf("after %d: %s, %v", i, text, header)
			}
			return
		}
	}
	t.Error("a hundred guesses passed")
}

func TestHowMuchOfALogIsKeptCanBeSet(t *testing.T) {
	t.Parallel()
	s, ctx := newServer(t), t.Context()
	s.app("myapp")
	r, err := s.LogRetention(ctx, "myapp")
	must(t, err)
	if r.Lines != 1500 || r.Age != 0 {
		t.Errorf("by default %+v", r)
	}
	lines, age, day := 20000, 86400, -1
	r, err = s.SetLogRetention(ctx, "myapp", client.LogRetentionChange{Lines: &lines, Age: &age})
	must(t, err)
	if again, err := s.LogRetention(ctx, "myapp"); err != nil || again != r || r.Lines != 20000 || r.Age != 86400 || r.Bytes != 16<<20 {
		t.Errorf("set %+v, read %+v, %v", r, again, err)
	}
	_, err = s.SetLogRetention(ctx, "myapp", client.LogRetentionChange{Age: &day})
	wantError(t, err, 422, "invalid_params", "age is -1 seconds")
	lines = 0
	_, err = s.SetLogRetention(ctx, "myapp", client.LogRetentionChange{Lines: &lines})
	wantError(t, err, 422, "invalid_params", "lines is 0")
}
