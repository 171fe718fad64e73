package lifecycle

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestStagesStopInReverse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var order []string
		record := make(chan string, 3)
		service := func(name string, takes time.Duration) Service {
			return Service{name, func(ctx context.Context) error {
				<-ctx.Done()
				time.Sleep(takes)
				record <- name
				return nil
			}}
		}
		var g Group
		g.Stage(service("store", 0))
		g.Stage(service("loops", 3*time.Second))
		g.Stage(service("edges", 5*time.Second))
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Minute, cancel)
		if err := g.Run(ctx); err != nil {
			t.Fatal(err)
		}
		close(record)
		for name := range record {
			order = append(order, name)
		}
		if want := []string{"edges", "loops", "store"}; !slices.Equal(order, want) {
			t.Errorf("stopped %v, want %v", order, want)
		}
	})
}

func TestAFailureStopsEverythingAndIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("no room")
		stopped := false
		var g Group
		g.Stage(Service{"store", func(ctx context.Context) error { <-ctx.Done(); stopped = true; return nil }})
		g.Stage(Service{"api", func(context.Context) error { return broken }})
		err := g.Run(t.Context())
		if !errors.Is(err, broken) || !strings.HasPrefix(err.Error(), "api: ") || !stopped {
			t.Errorf("err %v, store stopped %v", err, stopped)
		}
	})
}

func TestAServiceThatReturnsUnaskedIsAFailure(t *testing.T) {
	var g Group
	g.Stage(Service{"api", func(context.Context) error { return nil }})
	if err := g.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "before it was asked") {
		t.Errorf("err = %v", err)
	}
}

func TestAStuckServiceIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := make(chan struct{})
		defer close(hang)
		g := Group{Grace: time.Second}
		g.Stage(Service{"router", func(context.Context) error { <-hang; return nil }})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := g.Run(ctx); err == nil || !strings.Contains(err.Error(), "router") {
			t.Errorf("err = %v", err)
		}
	})
}
