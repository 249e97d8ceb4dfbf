package main

import (
	"context"
	"time"

	"github.com/zishang520/engine.io/v2/types"
	"github.com/zishang520/socket.io/v2/socket"

	"scalable-chat/server/internal/adapter"
	"scalable-chat/server/internal/auth"
	"scalable-chat/server/internal/engineio"
)

// serveEngine echoes every message of an Engine.IO session.
func serveEngine(o *engineio.Options) func(*engineio.Server) {
	o.Raw = true
	return func(edge *engineio.Server) {
		_ = edge.On("connection", func(args ...any) {
			session := args[0].(*engineio.Session)
			_ = session.On("data", func(args ...any) { session.Write(args[0].(types.BufferInterface), nil, nil) })
		})
	}
}

// serveSocket sends a client the auth of its handshake and echoes its events, in two namespaces.
func serveSocket(o *engineio.Options) func(*engineio.Server) {
	o.AllowBinary = true
	return func(edge *engineio.Server) {
		hub := adapter.New(adapter.Options{Bind: func(adapter.Namespace) adapter.Binding {
			return adapter.Binding{Client: func(s *socket.Socket, _ *auth.Speaker) adapter.Client { return mirror{s} }}
		}})
		options := hub.ServerOptions()
		options.SetConnectTimeout(connectTimeout)
		server := socket.NewServer(nil, options)
		for _, name := range []string{"/", "/custom"} {
			server.Of(name, func(args ...any) {
				s := args[0].(*socket.Socket)
				_ = s.Emit("auth", s.Handshake().Auth)
			})
		}
		server.Bind(edge)
	}
}

// mirror echoes the events of a socket.
type mirror struct{ s *socket.Socket }

// Event implements [adapter.Client].
func (m mirror) Event(_ context.Context, event string, args []any, ack func(...any)) bool {
	switch event {
	case "message":
		_ = m.s.Emit("message-back", args...)
	case "message-with-ack":
		if ack != nil {
			ack(args...)
		}
	default:
		return false
	}
	return true
}

// Left implements [adapter.Client].
func (mirror) Left(bool) time.Duration { return 0 }
