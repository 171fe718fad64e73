package main

import (
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// child is one process of the bench. Those with a role are measured.
type child struct {
	role  string
	plain string // address
	tls   string
	cmd   *exec.Cmd
	pid   int // whose CPU time counts
}

// Addresses are on loopback, from a port on that the caller may choose.
var firstPort = flag.Int("port", 28100, "the first of ten ports")

func address(n int) string { return "127.0.0.1:" + strconv.Itoa(*firstPort+n) }

func backendAddr() string { return address(0) }
func kigoAddr() string    { return address(1) }
func kigoTLS() string     { return address(2) }
func nginxAddr() string   { return address(3) }
func nginxTLS() string    { return address(4) }
func haproxyAddr() string { return address(5) }
func caddyAddr() string   { return address(6) }
func caddyTLS() string    { return address(7) }
func h2oAddr() string     { return address(8) }
func h2oTLS() string      { return address(9) }

const (
	proxyCPU  = "0"   // all proxies, never two at the same time under load
	otherCPUs = "1-3" // load and backend
)

func startChildren(dir, profile string, backend bool) ([]*child, error) {
	var all []*child
	if err := errors.Join(writeCertificate(dir), swallowLogs(dir)); err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	files := map[string]string{}
	for name, text := range map[string]string{"nginx.conf": nginxConfig(dir), "haproxy.cfg": haproxyConfig(dir), "Caddyfile": caddyConfig(dir), "h2o.conf": h2oConfig(dir)} {
		files[name] = filepath.Join(dir, name)
		if err := os.WriteFile(files[name], []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	programs := map[string]string{}
	for _, name := range []string{"nginx", "haproxy", "caddy", "h2o"} {
		if programs[name], err = must(name); err != nil {
			return nil, err
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "none"), 0o700); err != nil {
		return nil, err
	}
	args := []string{self, "-mode", "router", "-port", strconv.Itoa(*firstPort), "-listen", kigoAddr(), "-backend", backendAddr(), "-logs", filepath.Join(dir, "kigo.log")}
	if profile != "" {
		args = append(args, "-profile", profile)
	}
	for _, c := range []struct {
		child
		cpus string
		env  string
		args []string
	}{
		{child{plain: backendAddr()}, otherCPUs, "GOMAXPROCS=2", []string{self, "-mode", "backend", "-listen", backendAddr()}},
		{child{role: "kigo", plain: kigoAddr(), tls: kigoTLS()}, proxyCPU, "GOMAXPROCS=1", args},
		{child{role: "nginx", plain: nginxAddr(), tls: nginxTLS()}, proxyCPU, "A=", []string{programs["nginx"], "-c", files["nginx.conf"], "-p", dir, "-e", filepath.Join(dir, "error.log")}},
		{child{role: "haproxy", plain: haproxyAddr()}, proxyCPU, "A=", []string{programs["haproxy"], "-db", "-f", files["haproxy.cfg"]}},
		{child{role: "caddy", plain: caddyAddr(), tls: caddyTLS()}, proxyCPU, "GOMAXPROCS=1", []string{programs["caddy"], "run", "--adapter", "caddyfile", "--config", files["Caddyfile"]}},
		{child{role: "h2o", plain: h2oAddr(), tls: h2oTLS()}, proxyCPU, "A=", []string{programs["h2o"], "-c", files["h2o.conf"]}},
	} {
		if c.role == "" && !backend {
			continue
		}
		run := c.child
		run.cmd = exec.Command("taskset", append([]string{"-c", c.cpus}, c.args...)...)
		run.cmd.Dir, run.cmd.Stderr = dir, os.Stderr
		run.cmd.Env = append(os.Environ(), c.env, "HOME="+dir)
		run.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
		if err := run.cmd.Start(); err != nil {
			return all, err
		}
		run.pid = run.cmd.Process.Pid
		all = append(all, &run)
		if err := await(run.plain); err != nil {
			return all, err
		}
	}
	return all, nil
}

func await(addr string) error {
	var err error
	for range 200 {
		var c net.Conn
		if c, err = net.Dial("tcp", addr); err == nil {
			return c.Close()
		}
		time.Sleep(20 * time.Millisecond)
	}
	return err
}

func stopAll(all []*child) {
	for _, c := range all {
		_ = c.cmd.Process.Signal(syscall.SIGTERM)
	}
	for _, c := range all {
		t := time.AfterFunc(5*time.Second, func() { _ = c.cmd.Process.Kill() })
		_ = c.cmd.Wait()
		t.Stop()
	}
}

func nginxConfig(dir string) string {
	return strings.ReplaceAll(`daemon off;
master_process off;
worker_processes 1;
pid DIR/nginx.pid;
error_log DIR/error.log error;
events { worker_connections 19000; }
http {
  client_body_temp_path DIR/body; proxy_temp_path DIR/proxy; fastcgi_temp_path DIR/f; uwsgi_temp_path DIR/u; scgi_temp_path DIR/s;
  log_format line 'at=info method=$request_method path="$request_uri" host=$host request_id=$request_id fwd="$proxy_add_x_forwarded_for" dyno=web.1 connect=$upstream_connect_time service=$upstream_response_time status=$status bytes=$body_bytes_sent protocol=$server_protocol tls=$https';
  access_log DIR/nginx.log line buffer=64k flush=1s;
  keepalive_requests 100000000; keepalive_timeout 60s; client_max_body_size 10m; client_body_buffer_size 128k;
  map $http_host $app { default ""; demo.test "demo"; }
  upstream demo { server `+backendAddr()+`; keepalive 512; keepalive_requests 100000000; }
  server {
    listen `+nginxAddr()+` backlog=4096; listen `+nginxTLS()+` ssl http2 backlog=4096; server_name _;
    ssl_certificate DIR/cert.pem; ssl_certificate_key DIR/key.pem; ssl_protocols TLSv1.2 TLSv1.3;
    location / {
      if ($app = "") { return 404; }
      proxy_pass http://$app; proxy_http_version 1.1;
      proxy_set_header Connection ""; proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Forwarded-Proto $scheme; proxy_set_header X-Forwarded-Port $server_port;
      proxy_set_header X-Request-Id $request_id; proxy_set_header X-Request-Start $msec; proxy_set_header Via "1.1 nginx";
      add_header Via "1.1 nginx";
    }
  }
}
`, "DIR", dir)
}

// haproxyConfig has haproxy do what the others do; its lines go to a socket that
// the bench reads and forgets, for it writes no files.
func haproxyConfig(dir string) string {
	return strings.ReplaceAll(`global
  nbthread 1
  maxconn 9000
  log DIR/log.sock format raw local0
defaults
  mode http
  option http-keep-alive
  http-reuse always
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  timeout tunnel 60s
frontend in
  bind `+haproxyAddr()+` backlog 4096
  maxconn 9000
  log global
  log-format "at=info method=%HM path=%[capture.req.uri] host=%[capture.req.hdr(0)] request_id=%ID fwd=%ci dyno=%s connect=%Tc service=%Tr status=%ST bytes=%B protocol=%[capture.req.ver]"
  unique-id-format %[uuid()]
  unique-id-header X-Request-Id
  declare capture request len 64
  http-request capture req.hdr(Host) id 0
  option forwardfor
  http-request set-header X-Forwarded-Proto http
  http-request set-header X-Forwarded-Port %[dst_port]
  http-request set-header X-Request-Start %[date()]
  http-request set-header Via "1.1 haproxy"
  http-response set-header Via "1.1 haproxy"
  use_backend demo if { hdr(host) -i demo.test }
  default_backend none
backend demo
  server web.1 `+backendAddr()+`
backend none
  http-request deny deny_status 404
`, "DIR", dir)
}

// swallowLogs reads haproxy's lines.
func swallowLogs(dir string) error {
	c, err := net.ListenPacket("unixgram", filepath.Join(dir, "log.sock"))
	if err != nil {
		return err
	}
	go func() {
		line := make([]byte, 8<<10)
		for {
			if _, _, err := c.ReadFrom(line); err != nil {
				return
			}
		}
	}()
	return nil
}

// cpuTime is what a process has used, user and system, in all its threads.
func cpuTime(pid int) (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	user, err1 := strconv.ParseInt(fields[11], 10, 64)
	system, err2 := strconv.ParseInt(fields[12], 10, 64)
	if err1 != nil || err2 != nil {
		return 0, fmt.Errorf("read /proc/%d/stat: %q", pid, text)
	}
	const ticks = 100 // USER_HZ
	return time.Duration(user+system) * time.Second / ticks, nil
}
