// Package dyno makes this node's dyno rows true: it boots, watches, restarts and
// stops processes through an Engine and writes down what it sees. It is the only
// writer of a dyno's actual state.
package dyno

import (
	"context"
	"io"
	"net"
	"net/netip"

	"github.com/kigo-dev/kigo"
)

// Engine runs isolated processes on this node. It knows nothing of apps beyond
// what a Launch says. All methods are safe for concurrent use; an id that the
// engine does not know is a kigo.NotFound error. The suite in dyno/enginetest is
// its contract.
type Engine interface {
	// Prepare makes images ready, so that Start is quick.
	Prepare(ctx context.Context, images ...kigo.Image) error
	// Start launches a process and returns once it runs under its shim. Starting
	// an id twice is the same as once.
	Start(ctx context.Context, l kigo.Launch) error
	// Stop sends SIGTERM to all processes of the launch, then SIGKILL after its
	// Grace. It returns at once; Watch tells the end.
	Stop(ctx context.Context, id kigo.DynoID) error
	// Kill ends all processes of the launch now.
	Kill(ctx context.Context, id kigo.DynoID) error
	// Status says what is known of one launch.
	Status(ctx context.Context, id kigo.DynoID) (kigo.RunStatus, error)
	// List is everything on this node, also what an earlier process started.
	List(ctx context.Context) ([]kigo.RunStatus, error)
	// Remove forgets a launch that has exited and frees what it used.
	Remove(ctx context.Context, id kigo.DynoID) error
	// Watch calls f with the present status of every launch and then with each
	// change, in order for each launch, until ctx is done.
	Watch(ctx context.Context, f func(kigo.RunStatus)) error
	// Logs calls f with the output lines of a launch after the given sequence
	// number, following it until it has exited and all is read, or ctx is done.
	Logs(ctx context.Context, id kigo.DynoID, after uint64, f func(Line)) error
	// Attach connects to the terminal, or to standard input and output, of a
	// launch that has one. Closing it hangs up.
	Attach(ctx context.Context, id kigo.DynoID) (io.ReadWriteCloser, error)
	// Exec runs one more process inside a running launch and connects to its
	// terminal, or to its input and output. Closing the connection hangs up. The
	// connection may also be a Visit.
	Exec(ctx context.Context, id kigo.DynoID, e kigo.Exec) (io.ReadWriteCloser, error)
	// Dial connects by TCP as a process of a running launch would.
	Dial(ctx context.Context, id kigo.DynoID, to netip.AddrPort) (net.Conn, error)
	// Stats reads what a launch uses now.
	Stats(ctx context.Context, id kigo.DynoID) (kigo.RunStats, error)
}

// Visit is what more a connection to an exec can do.
type Visit interface {
	CloseWrite() error // ends the process's input, where that is a pipe
	Wait() int         // its exit status, once it has ended; 128+n for signal n, -1 when nobody knows
	Resize(t kigo.TTY) // of its terminal
}

// Line is one line of output. Dropped counts the lines lost before it because
// nobody read them in time.
type Line = kigo.OutputLine
