// Command embedder is a server as others may build it on the adapter: rooms, private events and volatile ones, of any form.
// Tests have stock clients talk to it; chatd itself sends private events of one form only.
//
// A client says what it wants to hear: "private", "room" and "volatile" send it their arguments back as an event, to it
// alone, to the room of all or volatile; "everyone" stores them for everybody.
package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	"github.com/zishang520/socket.io/v2/socket"

	"scalable-chat/server/internal/adapter"
	"scalable-chat/server/internal/cluster"
	"scalable-chat/server/internal/engineio"
	"scalable-chat/server/internal/fanout"
	"scalable-chat/server/internal/stream"
	"scalable-chat/server/internal/stream/memory"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := serve(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// serve listens on PORT until ctx ends. Like chatd it is ready when /readyz answers.
func serve(ctx context.Context) error {
	sweepers := fanout.New(fanout.Options{})
	defer sweepers.Close()
	var server *socket.Server
	hub := adapter.New(adapter.Options{
		Stream: memory.New(memory.Options{}),
		Log:    sweepers.NewLog(stream.Offset{}, fanout.Window{}),
		Handler: func(s *socket.Socket) adapter.Handler {
			s.Join("all")
			return func(_ context.Context, event string, args []any, _ func(...any)) bool {
				return answer(server, s, event, args)
			}
		},
	})
	defer hub.Close()
	if err := hub.Load(ctx); err != nil {
		return err
	}
	go func() { _ = hub.Run(ctx) }()
	edge := engineio.NewServer(engineio.Options{
		Sweepers: sweepers, AllowBinary: true,
		NewID: func() string { return cluster.NewSessionID("embedder") },
	})
	server = socket.NewServer(nil, hub.ServerOptions())
	server.Bind(edge)

	mux := http.NewServeMux()
	mux.Handle("/socket.io/", edge)
	mux.HandleFunc("/readyz", func(http.ResponseWriter, *http.Request) {})
	listener, err := net.Listen("tcp", "127.0.0.1:"+os.Getenv("PORT"))
	if err != nil {
		return err
	}
	context.AfterFunc(ctx, func() { _ = listener.Close() })
	if err := http.Serve(listener, mux); ctx.Err() == nil {
		return err
	}
	return nil
}

// answer does what a client wants; false: it is not known.
func answer(server *socket.Server, s *socket.Socket, event string, args []any) bool {
	name, ok := args[0].(string)
	if !ok {
		return false
	}
	var err error
	switch event {
	case "private":
		err = s.Emit(name, args[1:]...)
	case "room":
		err = server.To("all").Emit(name, args[1:]...)
	case "volatile":
		err = server.Volatile().Emit(name, args[1:]...)
	case "everyone":
		server.Emit(name, args[1:]...)
	default:
		return false
	}
	return err == nil
}
