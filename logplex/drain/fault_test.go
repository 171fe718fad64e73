package drain

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/logplex"
)

// fault is what befalls the disk at one step.
type fault struct {
	name string
	part func(bytes int) int // of a write that are made
	errs int                 // how many steps fail
	kill int                 // so many steps later the process is killed; -1: it is not
}

func none(int) int        { return 0 }
func half(n int) int      { return n / 2 }
func all(n int) int       { return n }
func (f fault) last() int { return max(f.errs-1, f.kill) }

var faults = []fault{
	{"nothing happens", all, 0, -1},
	{"a write fails in its middle", half, 1, -1},
	{"a write fails after its end", all, 1, -1},
	{"three writes fail", none, 3, -1},
	{"killed before", none, 0, 0},
	{"killed in the middle", half, 0, 0},
	{"killed after", all, 0, 0},
	{"a write fails, then killed", half, 1, 1},
	{"a write fails after its end, then killed", all, 1, 1},
	{"two writes fail, killed soon after", none, 2, 4},
	{"a write fails, killed later", half, 1, 9},
	noState,
}

// noState has six writes of the state fail; a frame that waits and is added before the
// state is saved again is the last step before a kill.
var noState = fault{"the state cannot be saved", none, 6, -1}

// crashSite is a drain on a disk that fails, to a receiver that fails too.
type crashSite struct {
	fault fault
	at    int    // the step that it befalls
	only  string // of those with this name; empty: of all
	hub   *logplex.Hub
	path  string

	mu        sync.Mutex
	n         int // disk steps so far
	began     bool
	after     int  // steps since it began
	away      bool // the receiver takes nothing until lines wait on disk
	dead      chan struct{}
	killed    bool
	stop      func()
	stopped   bool
	refusals  int
	struck    map[string]bool
	sends     int
	healed    bool
	frames    map[string]string
	told      map[string]bool // frames that the drain knows were taken
	again     int             // of those, how many came again
	delivered []int
	dropped   int
	wrong     []string
}

var errDisk = errors.New("the disk refuses")

// step implements steps.
func (c *crashSite) step(step string, bytes int) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.killed {
		return 0, errDisk
	}
	if step == "add frame" {
		c.away = false
	}
	if c.began {
		c.after++
	} else if c.only == "" || c.only == step {
		c.n++
		c.began = c.n == c.at
	}
	since := c.after
	if c.fault.name == noState.name && c.began && !c.healed && c.refusals < noState.errs {
		return c.refuseState(step, bytes)
	}
	if c.healed || !c.began || since > c.fault.last() || c.fault.name == noState.name {
		return bytes, nil
	}
	if since == c.fault.kill {
		c.struck["kill: "+step] = true
		c.killed = true
		close(c.dead)
		if c.fault.errs > 0 {
			return 0, errDisk
		}
		return c.fault.part(bytes), errDisk
	}
	if since < c.fault.errs {
		c.struck["fail: "+step] = true
		return c.fault.part(bytes), errDisk
	}
	return bytes, nil
}

// refuseState implements noState; the caller holds mu.
func (c *crashSite) refuseState(step string, bytes int) (int, error) {
	switch {
	case strings.HasSuffix(step, "states") || step == "add state":
		c.refusals++
		c.struck["fail: "+step] = true
		return 0, errDisk
	case step == "add frame" && c.refusals > 0:
		c.struck["kill: "+step] = true
		c.killed = true
		close(c.dead)
	}
	return bytes, nil
}

// fates of what is sent, again and again: taken, refused for now or for good, or taken
// without an answer.
var fates = strings.Fields("ok " + strings.Repeat("no ", 14) + "ok lost bad bad bad ok bad bad bad ok lost ok " + strings.Repeat("no ", 9))

// send implements transport.
func (c *crashSite) send(_ context.Context, f *frame) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.killed {
		return errors.New("nobody sends any more")
	}
	fate := "ok"
	if c.sends++; !c.healed {
		fate = fates[c.sends%len(fates)]
	}
	if c.away && !c.healed {
		fate = "no"
	}
	_, had := c.frames[f.ID] // a receiver that has a frame does not call it bad
	switch {
	case fate == "no":
		return refusal{503}
	case fate == "bad" && !had:
		return refusal{422}
	}
	if c.told[f.ID] {
		c.again++
	}
	if old, ok := c.frames[f.ID]; ok && old != string(f.Body) {
		c.wrong = append(c.wrong, "a frame came again with other content")
	} else if !ok {
		c.frames[f.ID] = string(f.Body)
		c.take(string(f.Body))
	}
	if fate == "lost" {
		return refusal{503}
	}
	c.told[f.ID] = true
	if c.fault.last() < 0 && c.sends >= c.at && !c.stopped {
		c.stopped = true
		c.stop() // an orderly end while the receiver's answer is under way
	}
	return nil
}

// take reads a frame's lines; the caller holds mu.
func (c *crashSite) take(body string) {
	for _, word := range strings.Fields(body) {
		lost, isLoss := strings.CutPrefix(word, "lost:")
		n, err := strconv.Atoi(lost)
		switch {
		case err != nil:
			c.wrong = append(c.wrong, fmt.Sprintf("word %q", word))
		case isLoss:
			c.dropped += n
		default:
			if k := len(c.delivered); k > 0 && c.delivered[k-1] >= n {
				c.wrong = append(c.wrong, fmt.Sprintf("line %d came after line %d", n, c.delivered[k-1]))
			}
			c.delivered = append(c.delivered, n)
		}
	}
}

// frame implements transport.
func (c *crashSite) frame(lines []kigo.LogLine, lost loss, _ []byte) *frame {
	f := &frame{ID: newFrameID(), Count: len(lines)}
	var b strings.Builder
	if lost.N > 0 {
		f.Count, f.Told = f.Count+1, lost.N
		fmt.Fprintf(&b, "lost:%d ", lost.N)
	}
	for i := range lines {
		b.WriteString(lines[i].Message + " ")
	}
	f.Body = []byte(b.String())
	return f
}

func (c *crashSite) done() bool { return false }
func (c *crashSite) close()     {}

// live runs a process until it is killed or until ends it in order.
func (c *crashSite) live(ctx context.Context, until <-chan struct{}) {
	ctx, end := context.WithCancel(ctx)
	c.mu.Lock()
	c.killed, c.dead, c.stop = false, make(chan struct{}), end
	dead := c.dead
	c.mu.Unlock()
	s := &sender{drain: kigo.Drain{ID: "d", App: "app"}, hub: c.hub, to: c, log: slog.New(slog.DiscardHandler), patience: time.Hour,
		pause: [2]time.Duration{time.Millisecond, 4 * time.Millisecond}, kept: journal{path: c.path, disk: c.step}, spill: spillFile{path: c.path + spillSuffix, most: 8 << 20, disk: c.step}}
	ended := make(chan struct{})
	go func() { defer close(ended); s.run(ctx) }()
	select {
	case <-dead:
	case <-ended:
	case <-until:
	}
	end()
	<-ended
}

// begun waits until the drain has a place in the stream.
func (c *crashSite) begun() error {
	for deadline := time.Now().Add(time.Minute); ; <-time.After(time.Millisecond) {
		if _, err := os.Stat(c.path); err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			return errors.New("the drain does not begin")
		}
	}
}

// waitSettled waits until drains may see all lines.
func waitSettled(hub *logplex.Hub) error {
	for deadline := time.Now().Add(time.Minute); hub.Unsaved("app") > 0; <-time.After(time.Millisecond) {
		if time.Now().After(deadline) {
			return errors.New("lines are not saved")
		}
	}
	return nil
}

func (c *crashSite) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	go func() { _ = c.hub.Run(ctx) }()
	c.hub.Write("app", kigo.LogLine{Message: "from before"})
	total := 0
	write := func(n int) error {
		lines := make([]kigo.LogLine, n)
		for i := range lines {
			lines[i] = kigo.LogLine{Source: "app", Process: "web.1", Message: strconv.Itoa(total + i)}
		}
		c.hub.Write("app", lines...)
		total += n
		return waitSettled(c.hub)
	}
	next, finish := make(chan chan struct{}), make(chan struct{})
	processes := make(chan struct{})
	go func() { // processes one after the other, whatever ends them
		defer close(processes)
		for end := range next {
			for ended := false; !ended; {
				c.live(ctx, end)
				select {
				case <-end:
					ended = true
				case <-ctx.Done():
					ended = true
				default: // it was killed
				}
			}
			select {
			case finish <- struct{}{}:
			case <-ctx.Done():
			}
		}
	}()
	defer func() { cancel(); close(next); <-processes }()
	for life := range 4 { // four processes that end in order, unless they are killed
		end := make(chan struct{})
		next <- end
		if err := c.begun(); err != nil {
			return err
		}
		c.set(func() { c.away = true })
		for range 3 {
			if err := write(400); err != nil {
				return err
			}
		}
		if c.set(func() { c.away = life%2 == 0 }); life%2 == 1 { // all that waits is sent, whatever befalls it
			c.wait(ctx, total)
		}
		close(end)
		<-finish
	}
	return c.settle(ctx, next, finish, write, &total)
}

// settle has all well again and counts.
func (c *crashSite) settle(ctx context.Context, next chan chan struct{}, finish chan struct{}, write func(int) error, total *int) error {
	c.mu.Lock()
	c.healed = true
	c.mu.Unlock()
	for range 2 { // the second begins after an orderly end of one that had nothing left to do
		end := make(chan struct{})
		next <- end
		if err := write(5); err != nil {
			return err
		}
		c.wait(ctx, *total)
		close(end)
		<-finish
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.wrong) > 0 {
		return errors.New(strings.Join(c.wrong, "; "))
	}
	if got := len(c.delivered) + c.dropped; got != *total {
		return fmt.Errorf("%d lines delivered and %d reported dropped: that is not %d", len(c.delivered), c.dropped, *total)
	}
	if c.fault.last() < 0 && c.again > 0 {
		return fmt.Errorf("%d frames that were taken came again after an orderly end", c.again)
	}
	return nil
}

func (c *crashSite) set(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
}

// wait returns when so many lines are accounted for, or nobody can hope for it.
func (c *crashSite) wait(ctx context.Context, total int) {
	for deadline := time.Now().Add(time.Minute); c.count() < total && time.Now().Before(deadline) && ctx.Err() == nil; {
		<-time.After(time.Millisecond)
	}
}

func (c *crashSite) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.delivered) + c.dropped
}

// TestEveryLineIsAccountedForAtWhateverStepTheDiskFailsOrAKillComes has each step on
// disk fail, and ends the process there, while the receiver has its own bad days.
func TestEveryLineIsAccountedForAtWhateverStepTheDiskFailsOrAKillComes(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	dir := t.TempDir()
	var mu sync.Mutex
	struck := map[string]int{}
	var runs sync.WaitGroup
	room := make(chan struct{}, 24)
	run := func(f fault, at int, only string) {
		room <- struct{}{}
		runs.Go(func() {
			defer func() { <-room }()
			if t.Failed() {
				return
			}
			c := &crashSite{fault: f, at: at, only: only, hub: &logplex.Hub{}, path: filepath.Join(dir, fmt.Sprintf("%s %d %s", f.name, at, only)), struck: map[string]bool{},
				frames: map[string]string{}, told: map[string]bool{}}
			if err := c.run(ctx); err != nil {
				t.Errorf("%s, at step %d %s: %v", f.name, at, only, err)
			}
			mu.Lock()
			defer mu.Unlock()
			for step := range c.struck {
				struck[step]++
			}
		})
	}
	steps := []string{"add state", "begin states", "replace states", "add frame", "empty frames"}
	for _, f := range faults {
		for at := 1; at <= 45; at += 3 {
			run(f, at, "")
		}
		for _, step := range steps {
			run(f, 2, step)
		}
	}
	runs.Wait()
	for _, step := range steps {
		if struck["fail: "+step] == 0 || struck["kill: "+step] == 0 {
			t.Errorf("%s: nothing befell this step: %v", step, struck)
		}
	}
	t.Log(struck)
}
