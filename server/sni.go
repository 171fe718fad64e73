package server

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/internal/atomicfile"
	"github.com/kigo-dev/kigo/secret"
	"github.com/kigo-dev/kigo/store"
)

// Users' certificates reach the router as one file, sealed as they are in the
// store: the router serves them with control gone, and after its own restart.
const (
	sniFile  = "certificates"
	sniPlace = "router|certificates"
)

// hostCertificate is a line of that file.
type hostCertificate struct{ Host, Chain, Key string }

// writeCertificates follows the store and keeps the file as the store is.
func (n *node) writeCertificates(ctx context.Context) error {
	var revision int64
	err := n.store.View(ctx, func(tx *store.Tx) (err error) {
		revision, err = tx.Revision()
		return err
	})
	if err != nil {
		return err
	}
	if err := n.writeSNI(ctx); err != nil {
		return err
	}
	return n.store.Follow(ctx, revision, func(e kigo.Event) error {
		if noun, _, _ := strings.Cut(e.Kind, "."); noun == "sni-endpoint" || noun == "domain" {
			if err := n.writeSNI(ctx); err != nil {
				n.log.Error("write certificates for the router", "err", err)
			}
		}
		return nil
	})
}

func (n *node) writeSNI(ctx context.Context) error {
	all := []hostCertificate{}
	err := n.store.View(ctx, func(tx *store.Tx) error {
		endpoints, err := tx.AllSNIEndpoints()
		if err != nil {
			return err
		}
		domains, err := tx.AllDomains()
		if err != nil {
			return err
		}
		for _, d := range domains {
			for _, e := range endpoints {
				if d.SNIEndpoint == e.ID && d.App == e.App {
					all = append(all, hostCertificate{d.Hostname, e.Chain, e.PrivateKey})
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	plain, err := json.Marshal(all)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(n.cfg.Path("router"), 0o700); err != nil {
		return err
	}
	return atomicfile.Write(n.cfg.Path("router", sniFile), n.box.Seal(sniPlace, plain), 0o600)
}

// sniReader reads the file when it has changed.
type sniReader struct {
	path  string
	box   *secret.Box
	log   *slog.Logger
	other func(*tls.ClientHelloInfo) (*tls.Certificate, error) // for every other host

	mu    sync.Mutex
	read  fs.FileInfo // nil: nothing yet
	look  time.Time   // not before then again
	hosts map[string]*tls.Certificate
}

// sniInterval bounds how often the file is looked at, and how old what is served may be.
const sniInterval = 200 * time.Millisecond

// GetCertificate picks a user's certificate by the host that the client names,
// exactly or by a wildcard, or else the platform's.
func (s *sniReader) GetCertificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	host := strings.ToLower(strings.TrimSuffix(hello.ServerName, "."))
	hosts := s.current()
	if c := hosts[host]; c != nil {
		return c, nil
	}
	if _, rest, ok := strings.Cut(host, "."); ok {
		if c := hosts["*."+rest]; c != nil {
			return c, nil
		}
	}
	return s.other(hello)
}

func (s *sniReader) current() map[string]*tls.Certificate {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if now.Before(s.look) {
		return s.hosts
	}
	s.look = now.Add(sniInterval)
	info, err := os.Stat(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		return s.hosts
	}
	if err == nil && s.read != nil && os.SameFile(info, s.read) && info.ModTime().Equal(s.read.ModTime()) {
		return s.hosts
	}
	if err == nil {
		err = s.load()
	}
	if err != nil {
		s.log.Error("read users' certificates", "err", err)
		return s.hosts // what was read before serves on
	}
	s.read = info
	return s.hosts
}

func (s *sniReader) load() error {
	sealed, err := os.ReadFile(s.path)
	if err != nil {
		return err
	}
	plain, err := s.box.Open(sniPlace, sealed)
	if err != nil {
		return err
	}
	var all []hostCertificate
	if err := json.Unmarshal(plain, &all); err != nil {
		return err
	}
	hosts := make(map[string]*tls.Certificate, len(all))
	for _, h := range all {
		pair, err := tls.X509KeyPair([]byte(h.Chain), []byte(h.Key))
		if err != nil {
			s.log.Error("read a user's certificate", "host", h.Host, "err", err)
			continue
		}
		hosts[h.Host] = &pair
	}
	s.hosts = hosts
	return nil
}
