package router

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestARequestReachesTheDynoAndLeavesOneLine(t *testing.T) {
	t.Parallel()
	r := startRouter(t, Config{Limits: calm})
	r.serve(t, goDyno(t, func(w http.ResponseWriter, q *http.Request) {
		body, _ := io.ReadAll(q.Body)
		fmt.Fprintf(w, "%s %s %s %s", q.Method, q.URL, q.Host, body)
	}))
	res := r.raw(t, "POST /a?b=1;c HTTP/1.1\r\nHost: Demo.Test:80\r\nContent-Length: 5\r\n\r\nhello")
	if got, want := bodyOf(t, res), "POST /a?b=1;c Demo.Test:80 hello"; got != want {
		t.Errorf("body %q, want %q", got, want)
	}
	line := r.logs.find(t, "at=info")
	for _, part := range []string{`at=info method=POST path="/a?b=1;c" host=demo.test request_id=`, ` fwd="127.0.0.1" dyno=web.1 connect=`, ` status=200 bytes=32 protocol=http1.1 tls=false`} {
		if !strings.Contains(line, part) {
			t.Errorf("line %s\nlacks %s", line, part)
		}
	}
}
