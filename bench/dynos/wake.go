package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/kigo-dev/kigo/bench/platform"
	"github.com/kigo-dev/kigo/client"
)

// wake measures a request to an app that sleeps, from the request to its answer.
func wake(ctx context.Context, s *platform.Server, rounds int) error {
	one, none, eco := 1, 0, "eco"
	_, err := s.Client.Scale(ctx, app, []client.FormationChange{{Type: "web", Quantity: &one, Size: eco}, {Type: "worker", Quantity: &none, Size: eco}})
	if err != nil {
		return err
	}
	var all []time.Duration
	var passed steps
	for range rounds {
		if err := asleep(ctx, s); err != nil {
			return err
		}
		began := time.Now()
		if status, body := s.Get(ctx, app, "/"); status != 200 {
			return fmt.Errorf("wake: status %d: %s", status, body)
		}
		all = append(all, time.Since(began))
		passed.add(began, time.Now())
	}
	passed.print()
	slices.Sort(all)
	fmt.Printf("wake_p50_ms %.1f ms\n", float64(all[len(all)/2].Microseconds())/1000)
	fmt.Printf("wake_p95_ms %.1f ms\n", float64(all[len(all)*95/100].Microseconds())/1000)
	return nil
}

// asleep waits until the only dyno sleeps and its process is gone.
func asleep(ctx context.Context, s *platform.Server) error {
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		dynos, err := s.Client.Dynos(ctx, app)
		if err != nil {
			return err
		}
		if len(dynos) == 1 && dynos[0].State == "idle" {
			time.Sleep(500 * time.Millisecond)
			return nil
		}
	}
	return errors.New("wake: the dyno does not go to sleep")
}
