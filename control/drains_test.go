package control_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/store"
)

func testDrains(t *testing.T, x *site) {
	app, second := x.app("myapp"), x.app("second")
	d := must(x.AddDrain(x.ctx, x.actor, app.ID, "https://user:hunter2@logs.example.com/x"))(t)
	if !strings.HasPrefix(d.Token, "d.") || len(d.Token) != 38 {
		t.Errorf("token %q", d.Token)
	}
	x.logged("Add log drain https://user:xxxxx@logs.example.com/x by user E")
	refused(t, "twice", errOf(x.AddDrain(x.ctx, x.actor, app.ID, "https://user:hunter2@logs.example.com/x")), kigo.IDConflict, "user:xxxxx@")
	must(x.AddDrain(x.ctx, x.actor, second.ID, "https://user:hunter2@logs.example.com/x"))(t)
	for i := range kigo.MaxDrains - 1 {
		must(x.AddDrain(x.ctx, x.actor, app.ID, fmt.Sprintf("syslog+tls://logs.example.com:%d", 6514+i)))(t)
	}
	refused(t, "a sixth", errOf(x.AddDrain(x.ctx, x.actor, app.ID, "https://logs.example.com/6")), kigo.IDInvalidParams, "has 5 log drains")
	sealed := read(x, func(tx *store.Tx) ([]byte, error) { return store.RawColumn(tx, "log_drains.url") })
	if strings.Contains(string(sealed), "example") {
		t.Error("the URL is stored in clear")
	}
	refused(t, "another's", errOf(x.RemoveDrain(x.ctx, x.actor, second.ID, d.ID)), kigo.IDNotFound, "drain")
	for i, which := range []string{"https://user:xxxxx@logs.example.com/x", "syslog+tls://logs.example.com:6514"} {
		gone := must(x.RemoveDrain(x.ctx, x.actor, app.ID, which))(t)
		same(t, which, []bool{gone.ID == d.ID}, []bool{i == 0})
	}
	for _, bad := range []string{
		"", "x", "logs.example.com", "http://logs.example.com/", "ftp://logs.example.com/", "file:///etc/passwd", "gopher://x:1/", "https://",
		"https:///x", "https://logs.example.com:0/", "https://logs.example.com:99999/", "https://a b/", "https://x/\r\nHost: y", "https://x/\x00",
		"syslog://logs.example.com", "syslog://logs.example.com:514/path", "syslog://u:p@logs.example.com:514", "https://%zz/", "javascript:alert(1)",
		"https://127.0.0.1/", "https://localhost/", "https://[::1]/", "https://169.254.169.254/latest", "syslog://10.0.0.1:514", "https://[::ffff:10.0.0.1]/",
		"https://x/" + strings.Repeat("a", 3000),
	} {
		refused(t, bad, errOf(x.AddDrain(x.ctx, x.actor, app.ID, bad)), kigo.IDInvalidParams, "Url is invalid")
	}
	x.Outbound.Allow = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	must(x.AddDrain(x.ctx, x.actor, app.ID, "http://127.0.0.1:9/"))(t)
	must(x.RemoveDrain(x.ctx, x.actor, app.ID, "http://127.0.0.1:9/"))(t)
}
