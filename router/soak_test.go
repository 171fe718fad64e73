package router

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kigo-dev/kigo"
)

// TestNoAnswerReachesAnotherRequest runs apps that echo their identity and the
// request's id while dynos die, stall, answer twice and clients leave. KIGO_SOAK
// sets the number of requests.
func TestNoAnswerReachesAnotherRequest(t *testing.T) {
	t.Parallel()
	total, apps := int64(5_000), 20
	if n, err := strconv.ParseInt(os.Getenv("KIGO_SOAK"), 10, 64); err == nil {
		total, apps = n, 200
	}
	limits := quick
	limits.FirstByte, limits.Rolling, limits.Aside = 150*time.Millisecond, 150*time.Millisecond, 10*time.Millisecond
	r := startRouter(t, Config{Limits: limits})
	var all []App
	for i := range apps {
		name := fmt.Sprintf("app%d", i)
		a := App{ID: kigo.AppID(name), Name: name, Hosts: []string{name + ".test"}, Released: true, WebQuantity: 2}
		for j := range 2 {
			addr := rawDyno(t, func(c net.Conn, in *bufio.Reader) { moody(c, in, name) })
			a.Dynos = append(a.Dynos, Dyno{ID: kigo.DynoID(fmt.Sprint(name, j)), Name: fmt.Sprintf("web.%d", j+1), Addr: addr, State: kigo.DynoUp})
		}
		all = append(all, a)
	}
	r.apply(t, all...)
	var sent, answered, mixed atomic.Int64
	var load sync.WaitGroup
	for range 16 {
		load.Go(func() {
			for sent.Load() < total {
				c, err := net.Dial("tcp", r.addr)
				if err != nil {
					t.Error(err)
					return
				}
				_ = c.SetDeadline(time.Now().Add(10 * time.Second))
				in := bufio.NewReader(c)
				for range 20 {
					ok, same := ask(c, in, rand.IntN(apps), sent.Add(1))
					if !same {
						mixed.Add(1)
					}
					if !ok {
						break
					}
					answered.Add(1)
				}
				_ = c.Close()
			}
		})
	}
	load.Wait()
	t.Logf("%d requests, %d whole answers", sent.Load(), answered.Load())
	if mixed.Load() > 0 || answered.Load() < sent.Load()/4 {
		t.Errorf("%d answers went to another request; %d of %d answered", mixed.Load(), answered.Load(), sent.Load())
	}
	eventually(t, "all counts back at 0", func() bool {
		for _, a := range r.table.all() {
			if a.active.Load() != 0 {
				return false
			}
			for _, d := range a.view.Load().all {
				if d.active.Load() != 0 {
					return false
				}
			}
		}
		return true
	})
}

// ask sends one request and checks that the answer is its own; ok when the
// connection may carry another one.
func ask(c net.Conn, in *bufio.Reader, app int, n int64) (ok, same bool) {
	id := fmt.Sprintf("%030d", n)
	body := strings.Repeat("b", rand.IntN(3)*rand.IntN(40_000))
	method := "GET"
	if body != "" {
		method = "POST"
	}
	fmt.Fprintf(c, "%s /%s HTTP/1.1\r\nHost: app%d.test\r\nX-Request-Id: %s\r\nContent-Length: %d\r\n\r\n%s", method, id, app, id, len(body), body)
	if rand.IntN(50) == 0 {
		return false, true // leaves
	}
	res, err := http.ReadResponse(in, nil)
	if err != nil {
		return false, true
	}
	text, err := io.ReadAll(res.Body)
	if res.StatusCode == http.StatusOK {
		want := fmt.Sprintf("app%d /%s %s", app, id, id)
		got := strings.TrimRight(string(text), "+")
		same = got == want || err != nil && strings.HasPrefix(want, got)
	} else {
		same = strings.Contains(string(text), "Application error")
	}
	return err == nil && !res.Close, same
}

// moody is a dyno that mostly answers.
func moody(c net.Conn, in *bufio.Reader, name string) {
	for {
		q, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		mood := rand.IntN(40)
		if mood == 0 {
			return // without reading the body
		}
		if _, err := io.Copy(io.Discard, q.Body); err != nil {
			return
		}
		text := fmt.Sprintf("%s %s %s", name, q.URL.Path, q.Header.Get("X-Request-Id")) + strings.Repeat("+", rand.IntN(2)*rand.IntN(50_000))
		switch mood {
		case 1: // dies
			return
		case 2: // breaks off
			fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(text)+10, text)
			return
		case 3: // late for this one, so that its answer could be taken for the next one's
			<-time.After(200 * time.Millisecond)
			fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(text), text)
		case 4: // answers twice
			fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%sHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", len(text), text)
		case 5: // chunks
			fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(text), text)
		default:
			fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(text), text)
		}
	}
}
