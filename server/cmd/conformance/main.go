// Command conformance serves the behaviours that the public protocol test suites expect, so that anyone can run them
// against this project's edge:
//
//	https://github.com/socketio/engine.io-protocol/tree/main/test-suite   conformance --mode engine
//	https://github.com/socketio/socket.io-protocol/tree/main/test-suite   conformance --mode socket
//
// Both suites expect the server on port 3000. It stores nothing and has no useful limits: do not run it in production.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"scalable-chat/server/internal/engineio"
	"scalable-chat/server/internal/fanout"
	"scalable-chat/server/internal/nodeid"
)

// What the suites expect.
const (
	pingInterval   = 300 * time.Millisecond
	pingTimeout    = 200 * time.Millisecond
	connectTimeout = time.Second
	maxPayload     = 1_000_000
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stderr, nil); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// settings are the values of the flags.
type settings struct {
	serve func(*engineio.Options) func(*engineio.Server)
	port  int
	path  string
}

func readFlags(args []string, output io.Writer) (s settings, err error) {
	flags := flag.NewFlagSet("conformance", flag.ContinueOnError)
	flags.SetOutput(output)
	mode := flags.String("mode", "socket", "engine or socket: which suite to serve")
	flags.IntVar(&s.port, "port", 3000, "port to listen on, on all addresses")
	flags.StringVar(&s.path, "path", "", "path to serve; empty: /engine.io/ or /socket.io/")
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	s.serve = map[string]func(*engineio.Options) func(*engineio.Server){"engine": serveEngine, "socket": serveSocket}[*mode]
	if s.serve == nil {
		return s, fmt.Errorf("mode %q is neither engine nor socket", *mode)
	}
	if s.path == "" {
		s.path = "/" + *mode + ".io/"
	}
	return s, nil
}

// run serves until ctx ends. It calls ready, if that is not nil, with the address.
func run(ctx context.Context, args []string, output io.Writer, ready func(addr string)) error {
	f, err := readFlags(args, output)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", fmt.Sprintf(":%d", f.port))
	if err != nil {
		return err
	}
	sweepers := fanout.New(fanout.Options{})
	defer sweepers.Close()
	edge := newEdge(sweepers, f.serve)
	mux := http.NewServeMux()
	mux.Handle(f.path, edge)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	if ready != nil {
		ready(listener.Addr().String())
	}
	return serve(ctx, server, edge, listener)
}

// newEdge makes an edge with the settings that the suites expect, and attaches one of their modes to it.
func newEdge(sweepers *fanout.Sweepers, mode func(*engineio.Options) func(*engineio.Server)) *engineio.Server {
	options := engineio.Options{
		Sweepers:     sweepers,
		NewID:        func() string { return nodeid.NewSession("conforms") },
		PingInterval: pingInterval, PingTimeout: pingTimeout,
		MaxPayload: maxPayload, MaxBody: maxPayload,
	}
	attach := mode(&options)
	edge := engineio.NewServer(options)
	attach(edge)
	return edge
}

// serve serves until ctx ends, then ends the sessions and the requests.
func serve(ctx context.Context, server *http.Server, edge *engineio.Server, listener net.Listener) error {
	stopped := make(chan error, 1)
	context.AfterFunc(ctx, func() {
		last, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		stopped <- errors.Join(edge.Shutdown(last, 0), server.Shutdown(last))
	})
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-stopped
}
