// Command embedder is an example of a server that others may build on the adapter: rooms, and private and volatile events
// of any form. Tests connect stock clients to it, because chatd itself sends private events of one form only.
//
// A client says what it wants: "private", "room" and "volatile" send it their arguments back as an event, to it
// alone, to the room of all, or volatile; "everyone" stores them for everybody.
package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/zishang520/socket.io/v2/socket"

	"scalable-chat/server/internal/adapter"
	"scalable-chat/server/internal/auth"
	"scalable-chat/server/internal/engineio"
	"scalable-chat/server/internal/fanout"
	"scalable-chat/server/internal/nodeid"
	"scalable-chat/server/internal/replica"
	"scalable-chat/server/internal/room"
	"scalable-chat/server/internal/stream/memory"
	"scalable-chat/server/internal/wire"
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
	messages := memory.New(memory.Options{})
	record := replica.New(replica.Options{
		Stream: messages, Sweepers: sweepers, Encode: room.Encoder("/"), Decode: room.Decode,
	})
	defer record.Close()
	hub := adapter.New(adapter.Options{Recovery: true, Bind: func(adapter.Namespace) adapter.Binding {
		return adapter.Binding{Replica: record, Greeting: greeting, Client: func(s *socket.Socket, _ *auth.Speaker) adapter.Client {
			s.Join("all")
			return client{server, s}
		}}
	}})
	defer hub.Close()
	if err := record.Load(ctx); err != nil {
		return err
	}
	go func() { _ = record.Run(ctx, messages) }()
	edge := engineio.NewServer(engineio.Options{
		Sweepers: sweepers, AllowBinary: true,
		NewID: func() string { return nodeid.NewSession("embedder") },
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

// greeting is like chatd's: the joining offset is the last argument of the first event.
func greeting(dst []byte, at fanout.Cursor, _ adapter.Client) []byte {
	return wire.AppendMessage(dst, fmt.Appendf(nil, `2["presence",{"online":0},%q]`, at.Offset()))
}

// client does what its socket wants.
type client struct {
	server *socket.Server
	s      *socket.Socket
}

// Event implements [adapter.Client].
func (c client) Event(_ context.Context, event string, args []any, _ func(...any)) bool {
	name, ok := args[0].(string)
	if !ok {
		return false
	}
	var err error
	switch event {
	case "private":
		err = c.s.Emit(name, args[1:]...)
	case "room":
		err = c.server.To("all").Emit(name, args[1:]...)
	case "volatile":
		err = c.server.Volatile().Emit(name, args[1:]...)
	case "everyone":
		c.server.Emit(name, args[1:]...)
	default:
		return false
	}
	return err == nil
}

// Left implements [adapter.Client].
func (client) Left(bool) time.Duration { return 0 }
