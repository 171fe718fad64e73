package cli_test

import (
	"time"

	"github.com/kigo-dev/kigo/client"
)

// certs answers for two certificates of myapp, one of them automatic, and for
// an app without any.
func (f *fake) certs(what string) (reply, bool) {
	day := func(year int) time.Time { return time.Date(year, 11, 20, 12, 0, 0, 0, time.UTC) }
	id := "55555555-89ab-cdef-0123-456789abcdef"
	own := client.SNIEndpoint{Name: "tiger-1", App: client.Ref{Name: "myapp"}, Domains: []string{id}, SSLCert: client.SSLCert{
		CertDomains: []string{"www.example.com", "example.com"}, ExpiresAt: day(2046), StartsAt: day(2026), Issuer: "/CN=ca", Subject: "/CN=www.example.com",
	}}
	auto := client.SNIEndpoint{Name: "auto-2", App: client.Ref{Name: "myapp"}, Domains: []string{}, SSLCert: client.SSLCert{
		CertDomains: []string{"auto.example.com"}, ExpiresAt: day(2046), StartsAt: day(2026), Issuer: "/CN=ca", Subject: "/CN=auto.example.com", CASigned: true, ACM: true,
	}}
	switch what {
	case "GET /apps/myapp/sni-endpoints":
		return reply{body: []client.SNIEndpoint{own, auto}}, true
	case "GET /apps/empty/sni-endpoints":
		return reply{body: []client.SNIEndpoint{}}, true
	case "GET /apps/myapp/sni-endpoints/tiger-1", "PATCH /apps/myapp/sni-endpoints/tiger-1", "DELETE /apps/myapp/sni-endpoints/tiger-1":
		return reply{body: own}, true
	case "GET /apps/myapp/sni-endpoints/auto-2":
		return reply{body: auto}, true
	case "GET /apps/myapp/domains/" + id, "GET /apps/myapp/domains/www.example.com", "PATCH /apps/myapp/domains/www.example.com":
		return reply{body: client.Domain{ID: id, Hostname: "www.example.com", Kind: "custom", SNIEndpoint: &client.Ref{Name: "tiger-1"}}}, true
	case "POST /apps/myapp/sni-endpoints":
		return reply{201, own}, true
	case "DELETE /apps/myapp/acm", "PATCH /apps/myapp/acm", "POST /apps/myapp/acm":
		return reply{body: f.app("myapp")}, true
	case "PATCH /apps/empty/acm":
		return refuse(422, "invalid_params", "ACM is not enabled for this app."), true
	}
	return reply{}, false
}
