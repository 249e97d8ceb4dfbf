// Command chatd is one node of the chat server. See --help for its settings. As chatd admin it is a client of the HTTP API of
// a node; as chatd backup, export or erase it works on the record in DATA_DIR; as chatd healthcheck it asks whether a node is ready.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"scalable-chat/server/internal/app"
	"scalable-chat/server/internal/config"
	"scalable-chat/server/internal/ops"
)

// The exit codes.
const (
	exitOK     = 0
	exitFailed = 1 // could not start, or did not stop in order
	exitUsage  = 2 // bad settings
)

// gcPercent lets the heap grow further between two collections than Go's default. Only a storm of connects makes much
// garbage: with this value it costs a seventh less CPU, and its memory is returned soon after. GOGC overrides it.
const gcPercent = 200

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	if len(args) > 0 && args[0] == "admin" {
		return admin(args[1:], os.Stdin, stdout, stderr)
	}
	if len(args) > 0 && args[0] == "healthcheck" {
		return healthcheck(args[1:], stdout, stderr)
	}
	if len(args) > 0 && recordCommands[args[0]].do != nil {
		return record(args, stdout, stderr)
	}
	cfg, err := config.Load(args)
	switch {
	case errors.Is(err, config.ErrHelp):
		fmt.Fprintf(stdout, "chatd is one node of the chat server.\n\nEach flag is also an environment variable (--ping-interval is PING_INTERVAL) and a key of the .env file. chatd admin uses the HTTP API of a node. chatd backup, export and erase work on the record in DATA_DIR. chatd healthcheck asks whether the node on this machine is ready.\n\n%s", config.Usage())
		return exitOK
	case errors.Is(err, config.ErrVersion):
		fmt.Fprintln(stdout, "chatd", version())
		return exitOK
	case err != nil:
		fmt.Fprintln(stderr, err)
		return exitUsage
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	logger := ops.NewLogger(cfg.LogLevel, cfg.LogFormat, stderr)
	slog.SetDefault(logger) // for the libraries, which have no other
	node, err := app.New(cfg, logger)
	if err == nil {
		err = node.Run(untilSignal())
	}
	if err != nil {
		logger.Error("chatd failed", "error", err)
		return exitFailed
	}
	return exitOK
}

// untilSignal returns a context that ends with the first SIGINT or SIGTERM. A second one ends the process at once.
func untilSignal() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		<-signals
		cancel()
		<-signals
		os.Exit(exitFailed)
	}()
	return ctx
}

// Version is this release or, between releases, the last one (Semantic Versioning 2.0). CHANGELOG.md lists its contents.
const Version = "0.1.0"

// version returns the release and what the Go tool knows of the build.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return Version
	}
	text := Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			text += " " + s.Value
		}
	}
	return text + " " + info.GoVersion
}
