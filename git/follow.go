package git

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/kigo-dev/kigo"
)

// streamPoll is how often a stream that has not begun is looked for.
const streamPoll = 50 * time.Millisecond

// stream opens an output stream, waiting for it to begin; nil when what would
// write it has ended without.
func (s *Server) stream(ctx context.Context, key string, ended <-chan struct{}) io.ReadCloser {
	for last := false; ; {
		stream, err := s.Output.Open(ctx, key)
		if err == nil {
			return stream
		}
		if last || !errors.Is(err, kigo.ErrNotFound) {
			return nil
		}
		select {
		case <-ended:
			last = true
		case <-ctx.Done():
			return nil
		case <-time.After(streamPoll):
		}
	}
}

// flatWriter hides ReadFrom and the like, so that io.Copy passes each piece on
// as it comes.
type flatWriter struct{ w io.Writer }

func (f flatWriter) Write(p []byte) (int, error) { return f.w.Write(p) }
