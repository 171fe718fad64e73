package e2e

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/kigo-dev/kigo/internal/testenv"
)

// TestAppsAreServedByHTTP3AlsoAfterARenewal asks a real dyno, replaces all processes of the
// platform, and asks again.
func TestAppsAreServedByHTTP3AlsoAfterARenewal(t *testing.T) {
	testenv.NeedsRoot(t)
	t.Parallel()
	s := startServer(t, setup{args: []string{"--http3"}})
	s.deploy(t, "swift", map[string]string{"web": "bin/testapp web"}, nil)
	s.steady(t, "swift", "web.1")
	s.visitHTTP3(t, "swift")
	before := s.child("router")
	if err := s.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	eventually(t, "another router", func() error {
		if now := s.child("router"); now == 0 || now == before {
			return fmt.Errorf("it is %d, and was %d", now, before)
		}
		return nil
	})
	s.visitHTTP3(t, "swift")
}

// visitHTTP3 waits until an app answers by HTTP/3, of which its answers by HTTP/2 tell.
func (s *server) visitHTTP3(t *testing.T, app string) {
	t.Helper()
	alternative := fmt.Sprintf(`h3=":%s"; ma=3600`, s.httpsPort)
	anyName := &tls.Config{ServerName: app + ".localhost", InsecureSkipVerify: true}
	url := "https://" + app + ".localhost:" + s.httpsPort + "/"
	eventually(t, app+" by HTTP/3", func() error {
		for _, transport := range []http.RoundTripper{
			&http.Transport{TLSClientConfig: anyName, ForceAttemptHTTP2: true, DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return (&net.Dialer{}).DialContext(ctx, "tcp", "127.0.0.1:"+s.httpsPort)
			}},
			&http3.Transport{TLSClientConfig: anyName, Dial: func(ctx context.Context, _ string, t *tls.Config, c *quic.Config) (*quic.Conn, error) {
				return quic.DialAddr(ctx, "127.0.0.1:"+s.httpsPort, t, c)
			}},
		} {
			err := visitBy(transport, url, alternative)
			if closer, ok := transport.(io.Closer); ok {
				_ = closer.Close()
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func visitBy(transport http.RoundTripper, url, alternative string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	res, err := transport.RoundTrip(q)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK || !strings.HasPrefix(string(body), "hello") || res.Header.Get("Alt-Svc") != alternative {
		return fmt.Errorf("%s %q, Alt-Svc %q, %w", res.Status, body, res.Header.Get("Alt-Svc"), err)
	}
	return nil
}
