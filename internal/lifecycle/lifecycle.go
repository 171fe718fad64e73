// Package lifecycle runs the services of one process: stages start in order and
// stop in reverse, so that whatever a service uses outlives it.
//
// A service is a function that blocks until its context is done and returns only
// when it has let go of everything. Listeners are bound before it is called.
package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// Service is one long-lived part of a process.
type Service struct {
	Name string
	Run  func(context.Context) error
}

// Group is an ordered list of stages. The zero Group is ready to use.
type Group struct {
	Grace  time.Duration // for a stage to stop; default 30 s
	Log    *slog.Logger
	stages [][]Service
}

// Stage adds services that start after all earlier stages and stop before them.
func (g *Group) Stage(services ...Service) { g.stages = append(g.stages, services) }

// ended is a service that has returned.
type ended struct {
	stage int
	name  string
	err   error
}

// Run starts all stages and waits until ctx is done or any service returns, then
// stops the stages last to first. It returns the first failure; a service that
// returns unasked is one.
func (g *Group) Run(ctx context.Context) error {
	total := 0
	for _, services := range g.stages {
		total += len(services)
	}
	ends := make(chan ended, total) // room for all: none hangs when Run gives up
	stops := make([]context.CancelFunc, len(g.stages))
	left := make([]int, len(g.stages))
	defer func() {
		for _, stop := range stops {
			stop()
		}
	}()
	for i, services := range g.stages {
		stageCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
		stops[i], left[i] = cancel, len(services)
		for _, s := range services {
			go func() { ends <- ended{i, s.Name, s.Run(stageCtx)} }()
		}
	}
	var first error
	select {
	case <-ctx.Done():
	case e := <-ends:
		left[e.stage]--
		first = e.failure(errors.New("returned before it was asked to stop"))
	}
	for i := len(stops) - 1; i >= 0; i-- {
		stops[i]()
		if err := g.await(i, left, ends); err != nil && first == nil {
			first = err
		}
	}
	return first
}

// await waits until the services of one stage have returned.
func (g *Group) await(stage int, left []int, ends <-chan ended) (first error) {
	grace := g.Grace
	if grace <= 0 {
		grace = 30 * time.Second
	}
	timeout := time.NewTimer(grace)
	defer timeout.Stop()
	for left[stage] > 0 {
		select {
		case e := <-ends:
			left[e.stage]--
			if err := e.failure(nil); err != nil && first == nil {
				first = err
			}
		case <-timeout.C:
			return fmt.Errorf("stop %s: still running after %s", g.stages[stage][0].Name, grace)
		}
	}
	return first
}

func (e ended) failure(unasked error) error {
	if e.err == nil {
		e.err = unasked
	}
	if e.err == nil || errors.Is(e.err, context.Canceled) {
		return nil
	}
	return fmt.Errorf("%s: %w", e.name, e.err)
}
