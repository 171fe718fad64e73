package container

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// Relay serves the platform's registry, which a sandbox has as a socket alone, at an
// address of the sandbox's own loopback.
type Relay struct {
	Socket string
	ln     net.Listener
}

// Listen opens the address and returns it.
func (r *Relay) Listen(ctx context.Context) (address string, err error) {
	r.ln, err = (&net.ListenConfig{}).Listen(ctx, "tcp4", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	go r.serve()
	return r.ln.Addr().String(), nil
}

// Close stops listening; connections under way end with the sandbox.
func (r *Relay) Close() error { return r.ln.Close() }

func (r *Relay) serve() {
	for {
		conn, err := r.ln.Accept()
		if err != nil {
			return
		}
		go r.carry(conn)
	}
}

func (r *Relay) carry(conn net.Conn) {
	defer conn.Close()
	far, err := net.Dial("unix", r.Socket)
	if err != nil {
		return
	}
	defer far.Close()
	var both sync.WaitGroup
	pipe := func(to, from net.Conn) {
		io.Copy(to, from) //nolint:errcheck // the client sees a connection that ended
		if half, ok := to.(interface{ CloseWrite() error }); ok {
			half.CloseWrite() //nolint:errcheck // the same
		}
	}
	both.Go(func() { pipe(far, conn) })
	both.Go(func() { pipe(conn, far) })
	both.Wait()
}

// How long the platform may take to say that it has an image: the first to ask for a new
// stack waits until that is put into the registry, while an operator's mirror answers or does not.
const (
	OwnLimit    = 5 * time.Minute
	MirrorLimit = 15 * time.Second
)

// Has asks the platform's registry for an image.
func (r *Relay) Has(ctx context.Context, name, tag string, limit time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", r.Socket)
	}}}
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, "http://registry/v2/"+name+"/manifests/"+tag, nil)
	if err != nil {
		return false
	}
	res, err := client.Do(req)
	if err != nil {
		return false
	}
	res.Body.Close()
	return res.StatusCode == http.StatusOK
}
