// Command testapp is what the end-to-end scripts deploy: a web and a worker
// process, and ways to misbehave. Its type is the first argument.
package main

import (
	"bufio"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

func main() {
	mode := ""
	if len(os.Args) > 1 {
		mode = os.Args[1]
	}
	if os.Getenv("BROKEN") != "" {
		fmt.Fprintln(os.Stderr, "testapp: broken")
		os.Exit(64)
	}
	switch mode {
	case "web":
		serve()
	case "worker":
		work()
	case "stubborn": // ignores SIGTERM
		signal.Ignore(syscall.SIGTERM)
		serve()
	case "brittle": // serves for a second and is killed
		time.AfterFunc(time.Second, func() { _ = syscall.Kill(os.Getpid(), syscall.SIGKILL) })
		serve()
	case "unbound": // never listens
		time.Sleep(time.Hour)
	case "hog": // takes memory until it is killed
		var all [][]byte
		for {
			b := make([]byte, 16<<20)
			for i := range b {
				b[i] = 1
			}
			all = append(all, b)
			fmt.Println("has", len(all)*16, "MB")
		}
	case "faults": // answers as no web server should
		faults()
	case "long": // a line of 1 MB, then bytes that are no text
		w := bufio.NewWriter(os.Stdout)
		fmt.Fprintln(w, strings.Repeat("x", 1<<20))
		fmt.Fprint(w, "\x00\xff\xfe binary\n")
		_ = w.Flush()
		serve()
	default:
		fmt.Fprintf(os.Stderr, "testapp: unknown mode %q\n", mode)
		os.Exit(64)
	}
}

var eaten atomic.Pointer[[]byte]

func serve() {
	started := time.Now().UnixNano()
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fmt.Println("served", r.URL.Path)
		fmt.Fprintf(w, "hello from %s greeting=%s version=%s\n", os.Getenv("DYNO"), os.Getenv("GREETING"), version())
	})
	http.HandleFunc("/quiet", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "quiet") })
	http.HandleFunc("/started", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, started) })
	http.HandleFunc("/exit", func(http.ResponseWriter, *http.Request) { os.Exit(7) })
	http.HandleFunc("/eat", func(http.ResponseWriter, *http.Request) { // more than a small dyno's quota
		b := make([]byte, 600<<20)
		for i := range b {
			b[i] = 1
		}
		eaten.Store(&b)
	})
	http.HandleFunc("/hold/{mb}", func(w http.ResponseWriter, r *http.Request) { // of memory, until it ends
		n, _ := strconv.Atoi(r.PathValue("mb"))
		b := make([]byte, n<<20)
		for i := range b {
			b[i] = 1
		}
		eaten.Store(&b)
		fmt.Fprintln(w, "holds", n)
	})
	var sick atomic.Bool
	http.HandleFunc("/sick", func(http.ResponseWriter, *http.Request) { sick.Store(true) })
	http.HandleFunc("/live", func(w http.ResponseWriter, _ *http.Request) {
		if sick.Load() {
			w.WriteHeader(http.StatusInternalServerError)
		}
	})
	http.HandleFunc("/status/503", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	http.HandleFunc("/status/200", func(http.ResponseWriter, *http.Request) {})
	http.HandleFunc("/headers", func(w http.ResponseWriter, r *http.Request) { _ = r.Header.Write(w) })
	http.HandleFunc("/late", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Println("asked")
		time.Sleep(2 * time.Second)
		fmt.Fprintln(w, "answered")
	})
	fmt.Println("listening on", os.Getenv("PORT"))
	if err := http.ListenAndServe(":"+os.Getenv("PORT"), nil); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// version is what a file of the app says, so that a script can deploy another one.
func version() string {
	b, err := os.ReadFile("version.txt")
	if err != nil {
		return "1"
	}
	return strings.TrimSpace(string(b))
}

func work() {
	fmt.Println("working as", os.Getenv("DYNO"))
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	<-stop
	fmt.Println("stopping in order")
}
