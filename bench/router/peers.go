package main

import "strings"

// Configurations of the proxies that stand beside Kigo's router. All look up the
// host, set the forwarded headers and, where they can, a request id, and write an
// access line per request.

func caddyConfig(dir string) string {
	site := ` {
	bind 127.0.0.1
	log {
		output file DIR/caddy.log
	}
	@demo host demo.test
	handle @demo {
		reverse_proxy ` + backendAddr() + ` {
			header_up X-Request-Id {http.request.uuid}
			header_up X-Request-Start {time.now.unix_ms}
			header_up X-Forwarded-Port {http.request.port}
			header_up Via "1.1 caddy"
			header_down Via "1.1 caddy"
			transport http {
				keepalive_idle_conns_per_host 512
			}
		}
	}
	handle {
		respond 404
	}
`
	_, plain, _ := strings.Cut(caddyAddr(), ":")
	_, secure, _ := strings.Cut(caddyTLS(), ":")
	return strings.ReplaceAll(`{
	admin off
	auto_https off
	default_sni demo.test
	log {
		output discard
	}
	storage file_system DIR/caddy
}
http://:`+plain+site+`}
https://:`+secure+site+`	tls DIR/cert.pem DIR/key.pem
}
`, "DIR", dir)
}

func h2oConfig(dir string) string {
	number := func(a string) string { _, p, _ := strings.Cut(a, ":"); return p }
	host := func(name string) string {
		return `  "` + name + `":
    paths:
      "/":
        proxy.reverse.url: "http://` + backendAddr() + `/"
        proxy.preserve-host: ON
        proxy.timeout.keepalive: 60000
        header.add: "Via: 1.1 h2o"
`
	}
	return strings.ReplaceAll(`num-threads: 1
max-connections: 25000
listen:
  host: 127.0.0.1
  port: `+number(h2oAddr())+`
listen:
  host: 127.0.0.1
  port: `+number(h2oTLS())+`
  ssl:
    certificate-file: DIR/cert.pem
    key-file: DIR/key.pem
user: root
error-log: DIR/h2o.error
access-log:
  path: DIR/h2o.log
  format: 'at=info method=%m path="%U%q" host=%V request_id= fwd="%h" dyno=web.1 connect=%{connect-time}x service=%{response-time}x status=%s bytes=%b protocol=%H'
hosts:
  "none.test":
    paths:
      "/":
        file.dir: DIR/none
`+host("demo.test")+host("demo.test:"+number(h2oAddr()))+host("demo.test:"+number(h2oTLS())), "DIR", dir)
}
