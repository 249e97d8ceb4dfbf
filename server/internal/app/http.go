package app

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
	"time"

	"scalable-chat/server/internal/accept"
	"scalable-chat/server/internal/api"
	"scalable-chat/server/internal/forward"
	"scalable-chat/server/internal/hosts"
	"scalable-chat/server/internal/ops"
	"scalable-chat/server/internal/pace"
)

// timeouts bound every HTTP request, and connections that have expired. Those of requests are those of net/http, not of handlers, so that no route can forget them. Only
// the edge lifts them: for long polls, for bodies whose packets wait for their turn, and for WebSockets.
type timeouts struct {
	header  time.Duration // for the header of a request
	request time.Duration // to read all of it, and again to write the answer
	idle    time.Duration // between two requests; longer than a load balancer keeps a connection
	grace   time.Duration // for a connection whose credentials have expired, at least; zero: that of admission
}

var defaultTimeouts = timeouts{header: 10 * time.Second, request: 20 * time.Second, idle: 75 * time.Second}

// Bounds of the header of a request. net/http needs up to 100 bytes for each byte and keeps them for as long as a poll waits.
const (
	headerBytes = 16 << 10
	maxFields   = 100 // header fields, and parameters of the query
)

// listener is an HTTP server on a port.
type listener struct {
	net     *accept.Listener
	door    net.Listener // net, or TLS over it
	server  *http.Server
	alarm   *slog.Logger // of what could come a thousand times a second
	serving sync.WaitGroup
}

// A port writes a few alarms at once, then about one a second.
const (
	alarms      = 5
	alarmsEvery = 5 * time.Second
)

func (a *App) listen(addr string, limits accept.Limits) (*listener, error) {
	// Sessions have a heartbeat, and everything else a deadline: TCP's own keep-alive would only cost each connection three
	// system calls.
	config := net.ListenConfig{KeepAlive: -1}
	nl, err := config.Listen(context.Background(), "tcp", addr)
	if err != nil {
		return nil, err
	}
	tcp, ok := nl.(*net.TCPListener)
	if !ok { // never: it was asked for TCP
		return nil, errors.Join(errors.ErrUnsupported, nl.Close())
	}
	l := &listener{alarm: pace.Thinned(a.log, alarms, alarmsEvery)}
	l.net = accept.Limit(tcp, limits, accept.Hooks{
		Refused: func(reason string) { a.metrics.Refused(reason) },
		Failed:  func(err error) { a.acceptFailed(l, err) },
	})
	l.door = l.net
	l.server = &http.Server{
		ReadHeaderTimeout: a.timeouts.header,
		ReadTimeout:       a.timeouts.request,
		WriteTimeout:      a.timeouts.request,
		IdleTimeout:       a.timeouts.idle,
		MaxHeaderBytes:    headerBytes,
		ConnState:         l.net.State,
		ErrorLog:          slog.NewLogLogger(a.log.Handler(), slog.LevelDebug), // errors that clients cause
	}
	return l, nil
}

// acceptFailed reports, in the log and in the health report, that no connection can be accepted, or that accepting works again.
func (a *App) acceptFailed(l *listener, err error) {
	if err == nil {
		a.health.Degrade("listener", "")
		a.log.Info("connections are accepted again", "address", l.addr())
		return
	}
	reason := "no connection can be accepted"
	var errno syscall.Errno
	if errors.As(err, &errno) {
		reason += ": " + errno.Error()
	}
	a.health.Degrade("listener", reason)
	l.alarm.Error("no connection can be accepted", "address", l.addr(), "error", err)
}

func (l *listener) addr() string { return l.net.Addr().String() }

func (l *listener) port() int { return l.net.Addr().(*net.TCPAddr).Port }

// serve answers requests from now on.
func (l *listener) serve(h http.Handler) {
	l.server.Handler = l.guard(h)
	l.serving.Go(func() {
		// Serve ends after shutdown or close, or when the listener fails for good.
		if err := l.server.Serve(l.door); !errors.Is(err, http.ErrServerClosed) {
			l.alarm.Error("this port is no longer served", "address", l.addr(), "error", err)
		}
	})
}

// guard refuses requests that take much more memory than they have bytes, and logs the panics of handlers.
func (l *listener) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if p := recover(); p != nil {
				if p != http.ErrAbortHandler { //nolint:errorlint // it is panicked with as it is
					l.alarm.Error("panic in a request", "panic", p, "address", r.RemoteAddr, "request", r.Header.Get(api.RequestID), "path", r.URL.Path, "stack", string(debug.Stack()))
				}
				panic(http.ErrAbortHandler) // net/http closes the connection
			}
		}()
		runtime.Gosched() // a connection that always has the next request would keep its core for 10 ms at a time
		switch {
		case fields(r.Header) > maxFields:
			w.Header().Set("Connection", "close")
			http.Error(w, "too many header fields", http.StatusRequestHeaderFieldsTooLarge)
		case strings.Count(r.URL.RawQuery, "&") >= maxFields:
			w.Header().Set("Connection", "close")
			http.Error(w, "too many parameters", http.StatusRequestURITooLong)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// fields is the number of fields in a header.
func fields(h http.Header) (n int) {
	for _, values := range h {
		n += len(values)
	}
	return n
}

// shutdown accepts no more connections and waits for the requests in progress; when ctx ends it breaks them off.
func (l *listener) shutdown(ctx context.Context) error {
	err := l.server.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, l.server.Close())
	}
	return err
}

// close ends the listener at once.
func (l *listener) close() {
	_ = l.server.Close()
	_ = l.net.Close() // the server does not know it before serve
	l.serving.Wait()
}

// nodesHandler serves the port for other nodes: what they forward, and nothing else.
func (a *App) nodesHandler() http.Handler {
	edge := a.whenStarted(a.topology.route(a.edge))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !forward.Marked(r) {
			http.Error(w, "This port is for the other nodes.", http.StatusForbidden)
			return
		}
		edge.ServeHTTP(w, r)
	})
}

// publicHandler serves the main port.
func (a *App) publicHandler() http.Handler {
	mux := http.NewServeMux()
	ops.Public(mux, a.health)
	edge := a.whenStarted(a.topology.route(a.edge))
	mux.Handle(Path, edge)
	mux.Handle(Path[:len(Path)-1], edge) // or the mux would redirect, which no client follows with a POST
	list := a.whenStarted(http.HandlerFunc(a.serveRooms))
	mux.Handle("GET "+RoomsPath, list)
	mux.Handle("OPTIONS "+RoomsPath, list) // a preflight
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, "This is the chat server. Connect to it with socket.io-client.\n")
	})
	if len(a.cfg.APIKeys) == 0 {
		return asWritten(mux)
	}
	return withAPI(a.newAPI(api.Options{Keys: a.cfg.APIKeys}), mux)
}

// privateHandler serves the private port. It needs no key, so pages must not read it through the browser of somebody who may.
func (a *App) privateHandler() http.Handler {
	trusted := hosts.Trusted(a.cfg.OpsAddr)
	rest := ops.Private(a.health, a.metrics, a.log)
	return withAPI(a.newAPI(api.Options{Trusted: trusted}), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !trusted(r.Host) {
			http.Error(w, "This port is asked by an IP address, as localhost, or by the host of OPS_ADDR.", http.StatusForbidden)
			return
		}
		rest.ServeHTTP(w, r)
	}))
}

// withAPI serves the API under its prefix, which answers for every path there by itself, and the rest elsewhere.
func withAPI(calls *api.Handler, rest http.Handler) http.Handler {
	rest = asWritten(rest)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, api.Prefix) {
			calls.ServeHTTP(w, r)
			return
		}
		rest.ServeHTTP(w, r)
	})
}

// asWritten keeps paths with dots and empty segments from a mux, which would redirect them: a request means what it says.
func asWritten(mux http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if at, clean := r.URL.EscapedPath(), path.Clean(r.URL.EscapedPath()); at != clean && at != clean+"/" {
			http.NotFound(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// started reports whether the window is loaded.
func (a *App) started() bool { return a.health.Report().Status != ops.Starting.String() }

// whenStarted refuses clients until the window is loaded: before that, no client can be told the offset of the room.
func (a *App) whenStarted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !a.started() {
			a.edge.RefuseBusy(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}
