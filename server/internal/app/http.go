package app

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"scalable-chat/server/internal/ops"
)

// Bounds of every HTTP request. Bodies and answers have theirs in the edge; a long poll may take longer than any
// time-out that would be sensible here.
const (
	headerTimeout = 10 * time.Second
	headerBytes   = 16 << 10
	idleTimeout   = time.Minute // longer than the forwarders of other nodes keep a connection
)

// listener is an HTTP server on a port.
type listener struct {
	net     net.Listener
	server  *http.Server
	serving sync.WaitGroup
}

func listen(addr string, logger *slog.Logger) (*listener, error) {
	// Sessions have a heartbeat, and everything else a deadline: TCP's own keep-alive would only cost each connection three
	// system calls.
	config := net.ListenConfig{KeepAlive: -1}
	nl, err := config.Listen(context.Background(), "tcp", addr)
	if err != nil {
		return nil, err
	}
	return &listener{net: nl, server: &http.Server{
		ReadHeaderTimeout: headerTimeout,
		MaxHeaderBytes:    headerBytes,
		IdleTimeout:       idleTimeout,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelDebug), // clients make most of these
	}}, nil
}

func (l *listener) addr() string { return l.net.Addr().String() }

// serve answers requests from now on.
func (l *listener) serve(h http.Handler) {
	l.server.Handler = h
	l.serving.Go(func() { _ = l.server.Serve(l.net) }) // ends with shutdown or close
}

// shutdown accepts no more connections and waits for the requests that there are; when ctx ends it breaks them off.
func (l *listener) shutdown(ctx context.Context) error {
	err := l.server.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, l.server.Close())
	}
	return err
}

// close ends the listener, whatever it was doing.
func (l *listener) close() {
	_ = l.server.Close()
	_ = l.net.Close() // the server does not know it before serve
	l.serving.Wait()
}

// publicHandler serves the main port.
func (a *App) publicHandler() http.Handler {
	mux := http.NewServeMux()
	ops.Public(mux, a.health)
	edge := a.whenStarted(a.backend.route(a.edge))
	mux.Handle(Path, edge)
	mux.Handle(Path[:len(Path)-1], edge) // or the mux would redirect, which no client follows with a POST
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, "This is the chat server. Connect to it with socket.io-client.\n")
	})
	return mux
}

// whenStarted turns clients away until the window is loaded: before, nobody could be told where the room stands.
func (a *App) whenStarted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a.health.Report().Status == ops.Starting.String() {
			a.edge.RefuseBusy(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}
