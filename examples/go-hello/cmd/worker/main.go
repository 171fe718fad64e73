// Command worker is the worker process: it does a piece of work now and then
// until it is told to stop.
package main

import (
	"context"
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	log.SetFlags(0)
	stop, _ := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	every := time.Second
	if d, err := time.ParseDuration(os.Getenv("WORK_EVERY")); err == nil && d > 0 {
		every = d
	}
	log.Printf("worker %s works every %v", os.Getenv("DYNO"), every)
	tick := time.NewTicker(every)
	for job := 1; ; job++ {
		select {
		case <-tick.C:
			log.Printf("job %d done", job)
		case <-stop.Done():
			log.Printf("worker stops after %d jobs", job-1)
			return
		}
	}
}
