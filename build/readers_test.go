package build

import (
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kigo-dev/kigo"
)

// slowImages is a registry that answers when it is let.
type slowImages struct {
	Images
	asked, let   chan struct{}
	inside, most atomic.Int64
}

func (s *slowImages) Registry(kigo.App) http.Handler {
	return http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		now := s.inside.Add(1)
		for most := s.most.Load(); now > most && !s.most.CompareAndSwap(most, now); most = s.most.Load() {
		}
		s.asked <- struct{}{}
		<-s.let
		s.inside.Add(-1)
	})
}

func TestABuildHasFewConnectionsToTheRegistryAndNoneForever(t *testing.T) {
	const asking = 3 * maxReaders
	images := &slowImages{asked: make(chan struct{}, asking), let: make(chan struct{})}
	a := &attempt{loop: &Loop{Config: Config{Images: images, Limit: time.Hour}}, sandbox: &sandbox{kigo: t.TempDir(), uid: os.Getuid()}}
	if err := a.serveRegistry(); err != nil {
		t.Fatal(err)
	}
	server := a.sandbox.registry
	t.Cleanup(func() { server.Close() })
	if server.ReadHeaderTimeout <= 0 || server.ReadTimeout <= 0 || server.IdleTimeout <= 0 {
		t.Errorf("a connection may stay forever: %s, %s, %s", server.ReadHeaderTimeout, server.ReadTimeout, server.IdleTimeout)
	}
	for range asking { // all are there before the first is answered
		c, err := new(net.Dialer).DialContext(t.Context(), "unix", filepath.Join(a.sandbox.kigo, "registry", "socket"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		if _, err := io.WriteString(c, "GET /v2/ HTTP/1.0\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
	}
	for range maxReaders {
		<-images.asked
	}
	for range asking - maxReaders {
		images.let <- struct{}{}
		<-images.asked
	}
	for range maxReaders {
		images.let <- struct{}{}
	}
	if images.most.Load() != maxReaders {
		t.Errorf("%d connections at once, not %d", images.most.Load(), maxReaders)
	}
}
