package kigo

import (
	"slices"
	"time"
)

// DynoID is a dyno's uuid: one run of one process, never reused.
type DynoID string

// DynoState is what `heroku ps` shows.
type DynoState string

const (
	DynoStarting DynoState = "starting"
	DynoUp       DynoState = "up"
	DynoIdle     DynoState = "idle"
	DynoCrashed  DynoState = "crashed"
	DynoDown     DynoState = "down"     // stopping, or stopped by the platform
	DynoComplete DynoState = "complete" // a one-off whose process has ended
)

// dynoMoves lists the legal changes of state.
//
//	              ┌────────────► complete   (one-off)
//	              │                 ▲
//	(new) ─► starting ──► up ───────┤
//	  ▲        │  │       │ │       │
//	  │        ▼  └──┐    │ └─► idle ─► starting
//	  │     crashed  ▼    ▼
//	  │        │ ──► down ◄── (all)
//	  └────────┘
//
// A crashed or idle dyno starts again under the same id and name.
var dynoMoves = map[DynoState][]DynoState{
	DynoStarting: {DynoUp, DynoCrashed, DynoDown, DynoComplete, DynoIdle}, // idle: its dyno hours are used up
	DynoUp:       {DynoCrashed, DynoDown, DynoIdle, DynoComplete, DynoStarting},
	DynoIdle:     {DynoStarting, DynoDown},
	DynoCrashed:  {DynoStarting, DynoDown},
	DynoDown:     {DynoStarting},
	DynoComplete: nil,
}

// CanMove reports whether a dyno in state from may go to state to.
func CanMove(from, to DynoState) bool { return slices.Contains(dynoMoves[from], to) }

// Dyno is one isolated process of an app as the platform means it to be
// (Release, Type, Number, Command, Size: written once, by formation or by the
// API for a one-off) and as its node last saw it (the rest: written by the dyno loop).
type Dyno struct {
	ID      DynoID
	App     AppID
	Release ReleaseID
	Version int    // the release's version
	Type    string // "web"; "run" for one-offs unless told otherwise
	Number  int    // the 1 in web.1; for one-offs a random 4-digit number
	Command string
	Size    string
	OneOff  bool
	Env     map[string]string // extra variables of a one-off
	Attach  Attach            // how a one-off's terminal is reached
	TTL     time.Duration     // how long a one-off may run; 0: MaxLife
	Inside  DynoID            // the running dyno that a one-off's command joins; empty: it has a dyno of its own
	Stop    bool              // desired: stop it and forget it
	Retire  bool              // desired: replace it, but let it serve until its replacement does
	Why     string            // said in the log when it stops, such as "Cycling"; may be empty

	State     DynoState
	Address   string // ip:port of a web dyno, once known
	StartedAt time.Time
	Restarts  int
	Crashes   int       // in a row, for the backoff
	RetryAt   time.Time // a crashed dyno starts again then
	ExitCode  int
	Reason    string // why it is not up, such as "Boot timeout"; empty when it is, or nobody knows
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Name is the dyno's name in ps and in logs, such as "web.1".
func (d Dyno) Name() string { return DynoName(d.Type, d.Number) }

// DynoName joins a process type and a number.
func DynoName(typ string, number int) string { return typ + "." + itoa(number) }

// Attach says whether a one-off waits for a rendezvous client.
type Attach struct {
	Wanted bool
	NoTTY  bool
	Secret string // capability in the attach_url; empty when detached

	By            AccountID // who made it, and may be at its terminal
	Authorization string    // the id of the authorization that it was made with; may be empty
}

// BootTimeout is how long a web dyno has to bind $PORT (R10), and StopGrace how
// long a dyno has between SIGTERM and SIGKILL (R12).
const (
	BootTimeout = 60 * time.Second
	StopGrace   = 30 * time.Second
)

// MaxLife is how long any dyno lives: then it is cycled, or a one-off ended
// (Heroku's documentation of dynos).
const MaxLife = 24 * time.Hour
