package buildpack

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestARegistryThatIsOutOfReachIsToldInOneLineWithoutItsPassword(t *testing.T) {
	t.Parallel()
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer silent.Close()
	defer silent.CloseClientConnections()
	broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }))
	defer broken.Close()
	for _, c := range []struct {
		url, want string
		limit     time.Duration
	}{
		{silent.URL, "Client.Timeout exceeded", 200 * time.Millisecond},
		{strings.Replace(broken.URL, "//", "//user:pw@", 1), "it answered 502 Bad Gateway", time.Minute},
		{"http://127.0.0.1:1/", "connection refused", time.Minute},
		{"no URL", "is not a URL", time.Minute},
	} {
		err := reach(t.Context(), "The registry", c.url, c.limit)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "pw@") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v; want %q", c.url, err, c.want)
		}
	}
	absent := httptest.NewServer(http.NotFoundHandler()) // any answer will do
	defer absent.Close()
	if err := Reach(t.Context(), "The registry", absent.URL); err != nil {
		t.Error(err)
	}
}
