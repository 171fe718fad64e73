package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/kigo-dev/kigo/router/hostile"
)

// corpus sends the raw requests of router/hostile through each proxy, and counts what
// arrives behind it: of a hostile one nothing whole may, of a legal one itself and
// once, of a trick what the proxy says and not what the client says. The address
// behind the proxies has to be free.
func corpus(children []*child) error {
	w := &witness{}
	l, err := net.Listen("tcp", backendAddr())
	if err != nil {
		return err
	}
	server := &http.Server{Handler: w, DisableGeneralOptionsHandler: true, ReadHeaderTimeout: time.Second}
	go func() { _ = server.Serve(l) }()
	defer server.Close()
	for _, c := range children {
		if c.role == "" {
			continue
		}
		var heads, bodies, legal, tricks, allTricks int
		for _, h := range hostile.Heads {
			heads += w.verdict(c, h.Text, h.Name, func(seen []string) bool { return len(seen) == 0 })
		}
		for name, body := range hostile.Bodies {
			head := "POST / HTTP/1.1\r\n" + hostile.Host + "Transfer-Encoding: chunked\r\n\r\n"
			bodies += w.verdict(c, head+body, name, func(seen []string) bool { return len(seen) == 0 })
		}
		for _, q := range hostile.Legal {
			if !q.Trick {
				legal += w.verdict(c, q.Text, q.Name, func(seen []string) bool { return len(seen) == 1 })
				continue
			}
			allTricks++
			tricks += w.verdict(c, q.Text, q.Name, func(seen []string) bool {
				return len(seen) == 1 && strings.Contains(seen[0], q.Seen) && (q.Not == "" || !strings.Contains(seen[0], q.Not))
			})
		}
		fmt.Printf("router_corpus_%s_hostile %d of-%d\n", c.role, heads+bodies, len(hostile.Heads)+len(hostile.Bodies))
		fmt.Printf("router_corpus_%s_legal %d of-%d\n", c.role, legal, len(hostile.Legal)-allTricks)
		fmt.Printf("router_corpus_%s_tricks %d of-%d\n", c.role, tricks, allTricks)
	}
	return nil
}

// witness stands behind a proxy and remembers the requests that reached it whole.
type witness struct {
	mu   sync.Mutex
	seen []string
}

func (w *witness) ServeHTTP(out http.ResponseWriter, q *http.Request) {
	body, err := io.ReadAll(q.Body)
	if err == nil {
		w.mu.Lock()
		w.seen = append(w.seen, fmt.Sprintf("%s %s host=%s body=%q err=%v header=%v", q.Method, q.RequestURI, q.Host, body, err, q.Header))
		w.mu.Unlock()
	}
	_, _ = io.WriteString(out, "seen")
}

// verdict is 1 when what arrived is right, else 0, which it tells.
func (w *witness) verdict(c *child, text, name string, right func(seen []string) bool) int {
	w.mu.Lock()
	w.seen = nil
	w.mu.Unlock()
	conn, err := net.Dial("tcp", c.plain)
	if err != nil {
		return 0
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(2 * time.Second))
	go func() { _, _ = io.WriteString(conn, text) }()
	in := bufio.NewReader(conn)
	res, err := http.ReadResponse(in, nil)
	if err == nil && res.StatusCode == http.StatusContinue {
		res, err = http.ReadResponse(in, nil)
	}
	if err == nil {
		_, _ = io.Copy(io.Discard, res.Body)
		_ = conn.SetDeadline(time.Now().Add(50 * time.Millisecond)) // for what may come after it
		_, _ = io.Copy(io.Discard, in)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if right(w.seen) {
		return 1
	}
	if *verbose {
		fmt.Printf("# %s, %s: %q arrived\n", c.role, name, w.seen)
	}
	return 0
}
