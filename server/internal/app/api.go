package app

import (
	"context"

	"scalable-chat/server/internal/api"
	"scalable-chat/server/internal/chat"
)

// newAPI makes the HTTP API of a port, for those whom the options let in.
func (a *App) newAPI(o api.Options) *api.Handler {
	o.Backend, o.Ready, o.MaxBody, o.Answered, o.Logger = backend{a}, a.started, a.cfg.MaxPayloadBytes, a.metrics.Answered, a.log
	return api.New(o)
}

// backend is what the HTTP API is served from.
type backend struct{ app *App }

var _ api.Backend = backend{}

// Room implements [api.Backend]. The global room is always open.
func (b backend) Room(ctx context.Context, name string) (api.Room, func(), error) {
	if name == "" {
		return b.app.room, func() {}, nil
	}
	held, release, err := b.app.rooms.Hold(ctx, name)
	if err != nil {
		return nil, nil, err
	}
	return held.(*place).room, release, nil
}

// Rooms implements [api.Backend].
func (b backend) Rooms(after string, n int) ([]chat.Listed, bool) { return b.app.rooms.Open(after, n) }

// Nodes implements [api.Backend].
func (b backend) Nodes() (nodes []api.Node) {
	for _, n := range b.app.parts.list() {
		nodes = append(nodes, api.Node(n))
	}
	return nodes
}
