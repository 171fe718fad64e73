package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"runtime/pprof"
	"strconv"
	"syscall"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/router"
)

// runBackend answers as cheaply as it can: it must not be what is measured.
func runBackend(addr string) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	block := bytes.Repeat([]byte("x"), 16<<10)
	small := []byte("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 128\r\n\r\n" + string(block[:128]))
	large := append([]byte("HTTP/1.1 200 OK\r\nContent-Length: 1048576\r\n\r\n"), bytes.Repeat(block, 64)...)
	upgraded := []byte("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	chunked := []byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
	for range 64 {
		chunked = append(append(append(chunked, "4000\r\n"...), block...), "\r\n"...)
	}
	chunked = append(chunked, "0\r\n\r\n"...)
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer c.Close()
			in := bufio.NewReaderSize(c, 64<<10)
			for {
				path, length, err := readHead(in)
				if err != nil {
					return
				}
				if _, err := in.Discard(length); err != nil {
					return
				}
				answer := small
				switch path {
				case 'c':
					answer = chunked
				case 'l':
					answer = large
				case 'u':
					answer = upgraded
				}
				if _, err := c.Write(answer); err != nil {
					return
				}
			}
		}()
	}
}

// readHead returns the first letter of the path and the body's length.
func readHead(in *bufio.Reader) (path byte, length int, err error) {
	for first := true; ; first = false {
		line, err := in.ReadSlice('\n')
		if err != nil || len(line) == 2 {
			return path, length, err
		}
		if i := bytes.IndexByte(line, '/'); first && i > 0 {
			path = line[i+1]
		}
		if len(line) > 16 && (line[0]|0x20) == 'c' && bytes.EqualFold(line[:15], []byte("content-length:")) {
			length, _ = strconv.Atoi(string(bytes.TrimSpace(line[15:])))
		}
	}
}

// fileLog writes lines as logplex would get them, to a file.
type fileLog struct{ out *bufio.Writer }

func (f fileLog) WriteLine(_ kigo.AppID, _ time.Time, line []byte) {
	_, _ = f.out.Write(line)
	_ = f.out.WriteByte('\n')
}

func runRouter(addr, backend, logs, profile string) error {
	debug.SetGCPercent(router.GCPercent)
	if profile != "" {
		f, err := os.Create(profile)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	s, err := net.Listen("tcp", kigoTLS())
	if err != nil {
		return err
	}
	cert, err := tls.LoadX509KeyPair(filepath.Join(filepath.Dir(logs), "cert.pem"), filepath.Join(filepath.Dir(logs), "key.pem"))
	if err != nil {
		return err
	}
	f, err := os.Create(logs)
	if err != nil {
		return err
	}
	r, err := router.New(router.Config{HTTP: []net.Listener{l}, HTTPS: []net.Listener{s}, Logs: fileLog{bufio.NewWriterSize(f, 64<<10)},
		Certificates: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &cert, nil },
		Limits:       router.Limits{Drain: time.Second, Clients: 2 * heldMost}})
	if err != nil {
		return err
	}
	var dynos []router.Dyno // several, for 200 requests may be outstanding at each
	for _, name := range []string{"web.1", "web.2", "web.3", "web.4"} {
		dynos = append(dynos, router.Dyno{ID: kigo.DynoID(name), Name: name, Addr: backend, State: kigo.DynoUp})
	}
	err = r.Apply(&router.Snapshot{Revision: 1, Apps: []router.App{{ID: "a", Name: "demo", Hosts: []string{"demo.test"}, Released: true, WebQuantity: 1,
		Dynos: dynos}}})
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	return r.Run(ctx)
}

func writeCertificate(dir string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"demo.test"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	write := func(name, kind string, bytes []byte) error {
		f, err := os.OpenFile(filepath.Join(dir, name), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pem.Encode(f, &pem.Block{Type: kind, Bytes: bytes}); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
		return nil
	}
	if err := write("cert.pem", "CERTIFICATE", der); err != nil {
		return err
	}
	return write("key.pem", "PRIVATE KEY", private)
}
