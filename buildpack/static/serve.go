package static

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"
)

// Main serves the app in the folder $HOME on $PORT until ctx is done, then lets
// requests in flight end. It returns the exit status.
func Main(ctx context.Context, stderr io.Writer) int {
	if err := serve(ctx); err != nil {
		fmt.Fprintln(stderr, "kigo-static:", err)
		return 1
	}
	return 0
}

func serve(ctx context.Context) error {
	port := os.Getenv("PORT")
	if port == "" {
		return errors.New("PORT is not set")
	}
	home := os.Getenv("HOME")
	c, err := ReadConfig(home)
	if err != nil {
		return err
	}
	h, err := NewHandler(home, c, os.LookupEnv)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", ":"+port)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute, IdleTimeout: 2 * time.Minute}
	stop := context.AfterFunc(ctx, func() {
		ctx, cancel := context.WithTimeout(context.Background(), 25*time.Second)
		defer cancel()
		server.Shutdown(ctx) //nolint:errcheck // the dyno ends in any case
	})
	defer stop()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
