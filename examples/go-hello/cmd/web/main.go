// Command web is the web process: it listens on $PORT and logs every request.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"
)

func main() {
	log.SetFlags(0) // the platform stamps every line
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", hello)
	mux.HandleFunc("GET /ws", echo)
	mux.HandleFunc("GET /sleep", sleep)
	mux.HandleFunc("/crash", func(http.ResponseWriter, *http.Request) {
		log.Print("crashing because somebody asked for it")
		os.Exit(1)
	})
	mux.HandleFunc("/exit", func(_ http.ResponseWriter, r *http.Request) {
		code, _ := strconv.Atoi(r.FormValue("code"))
		os.Exit(code)
	})

	server := &http.Server{Addr: ":" + port(), Handler: logged(mux), ReadHeaderTimeout: 10 * time.Second}
	stop, _ := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		<-stop.Done()
		log.Print("stopping: finishing open requests")
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		server.Shutdown(ctx)
	}()
	log.Printf("listening on port %s as %s", port(), os.Getenv("DYNO"))
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		log.Fatal(err)
	}
	<-ended
}

func port() string {
	if p := os.Getenv("PORT"); p != "" {
		return p
	}
	return "5000"
}

// hello greets, by the config var GREETING if it is set.
func hello(w http.ResponseWriter, r *http.Request) {
	greeting := os.Getenv("GREETING")
	if greeting == "" {
		greeting = "Hello"
	}
	fmt.Fprintf(w, "%s from %s\n", greeting, os.Getenv("DYNO"))
}

// sleep answers after ?s= seconds, for looking at slow requests and H12.
func sleep(w http.ResponseWriter, r *http.Request) {
	seconds, err := strconv.ParseFloat(r.FormValue("s"), 64)
	if err != nil || seconds < 0 {
		http.Error(w, "?s= is a number of seconds", http.StatusBadRequest)
		return
	}
	select {
	case <-time.After(time.Duration(seconds * float64(time.Second))):
		fmt.Fprintf(w, "slept %gs\n", seconds)
	case <-r.Context().Done():
		log.Print("the client went away")
	}
}

// logged writes a line for each request.
func logged(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		next.ServeHTTP(w, r)
		log.Printf("%s %s request_id=%s %s", r.Method, r.URL.Path, r.Header.Get("X-Request-Id"), time.Since(began).Round(time.Microsecond))
	})
}
