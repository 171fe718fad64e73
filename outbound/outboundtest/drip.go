package outboundtest

import (
	"bufio"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"
)

// Dripping listens on loopback until the test ends. To each request it sends what begin says
// and then the byte more, again and again, without an end. TLS is spoken when cert is not nil.
func Dripping(t testing.TB, cert *tls.Certificate, begin string, more byte) (address string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address = l.Addr().String()
	if cert != nil {
		l = tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{*cert}, MinVersion: tls.VersionTLS12})
	}
	var under sync.WaitGroup
	ended := make(chan struct{})
	under.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			under.Go(func() { drip(c, begin, more, ended) })
		}
	})
	t.Cleanup(func() {
		close(ended)
		l.Close()
		under.Wait()
	})
	return address
}

func drip(c net.Conn, begin string, more byte, ended <-chan struct{}) {
	defer c.Close()
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		select {
		case <-ended:
			c.Close() // also while a request is waited for
		case <-stop:
		}
	}()
	if _, err := http.ReadRequest(bufio.NewReader(c)); err != nil {
		return
	}
	every := time.NewTicker(5 * time.Millisecond)
	defer every.Stop()
	for i := 0; ; i++ {
		b := more
		if i < len(begin) {
			b = begin[i]
		}
		if _, err := c.Write([]byte{b}); err != nil {
			return
		}
		<-every.C
	}
}
