package room

import (
	"github.com/zishang520/socket.io/v2/socket"

	"scalable-chat/server/internal/adapter"
	"scalable-chat/server/internal/chat"
	"scalable-chat/server/internal/stream"
)

// Presence tells every socket of this node how many clients are online. It is volatile: a socket that is not writable gets
// the next one. Do not call it more often than once a second.
func (r *Room) Presence(online int) {
	if n := r.bound(); n != nil {
		n.SendVolatile(appendPresence(nil, r.opts.Namespace, online, stream.Offset{}))
	}
}

// relay is the [chat.Relay] of the room.
func (r *Room) relay(except string, notice chat.Typing) {
	n := r.bound()
	if n == nil {
		return
	}
	if err := n.EmitVolatile(socket.SocketId(except), chat.EventTyping, notice); err != nil {
		r.logger.Error("typing notice", "room", NameOf(r.opts.Namespace), "socket", except, "error", err)
	}
}

// bound is the namespace, nil before there is one.
func (r *Room) bound() adapter.Namespace {
	if n := r.namespace.Load(); n != nil {
		return *n
	}
	return nil
}
