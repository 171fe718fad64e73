package router

import (
	"io"
	"net"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/summerwind/h2spec/config"
	"github.com/summerwind/h2spec/generic"
	"github.com/summerwind/h2spec/hpack"
	"github.com/summerwind/h2spec/http2"
	"github.com/summerwind/h2spec/spec"
)

// TestH2specPassesWhole runs all of h2spec, also what it calls strict.
func TestH2specPassesWhole(t *testing.T) {
	t.Parallel()
	r, addr := startSecure(t, Config{Limits: Limits{Drain: time.Second}})
	app := demo(goDyno(t, func(w http.ResponseWriter, q *http.Request) {
		_, _ = io.Copy(io.Discard, q.Body)
		_, _ = io.WriteString(w, "hello, this is a body of some length")
	}))
	app.Hosts = []string{"127.0.0.1"}
	r.apply(t, app)
	_, port, _ := net.SplitHostPort(addr)
	number, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	c := &config.Config{Host: "127.0.0.1", Port: number, Path: "/", Timeout: 10 * time.Second, MaxHeaderLen: 4000, Strict: true, TLS: true, Insecure: true}
	for _, group := range []*spec.TestGroup{generic.Spec(), http2.Spec(), hpack.Spec()} {
		group.Test(c)
		t.Logf("%s: %d passed", group.Name, group.PassedCount)
		if group.FailedCount > 0 || group.SkippedCount > 0 || group.PassedCount == 0 {
			t.Errorf("%s: %d failed, %d skipped, %d passed", group.Name, group.FailedCount, group.SkippedCount, group.PassedCount)
		}
	}
}
