package server

import (
	"net"
	"os"
	"strings"
	"testing"

	"github.com/kigo-dev/kigo/config"
)

func TestAPortThatIsTakenForHTTP3IsSaid(t *testing.T) {
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	s := &supervisor{cfg: config.Config{HTTP3: true}, addresses: map[string]string{"https": c.LocalAddr().String()}, listeners: map[string]*os.File{}}
	err = s.bindHTTP3()
	if err == nil || !strings.Contains(err.Error(), "UDP "+c.LocalAddr().String()) || !strings.Contains(err.Error(), "leave --http3 out") {
		t.Errorf("error %v", err)
	}
	s.cfg.HTTP3 = false
	if err := s.bindHTTP3(); err != nil || len(s.listeners) > 0 {
		t.Errorf("bound without being asked for: %v %v", s.listeners, err)
	}
}
