package adapter

import (
	"errors"

	"github.com/zishang520/socket.io/v2/socket"
)

// The library makes and forgets dynamic namespaces by check-then-act: two clients that open one at the same moment get two
// objects of one name, and cleaning up an empty one races a join. So the hub makes and forgets them itself, when the owner
// says so. The parent that it registers refuses every name, so that the library makes none. A sentinel in the namespace's
// list of sockets keeps the library from forgetting it; to remove the sentinel makes the library forget it.
//
// The library counts that list whenever a socket leaves, so the hub takes a socket out of it as soon as the socket is
// connected. Otherwise the end of a large room would cost the square of its members.

// Attach prepares a Socket.IO server with this hub's [Hub.ServerOptions] for [Hub.Open]. It must be called once, before the
// server accepts connections. It sets the server's CleanupEmptyChildNamespaces.
func (h *Hub) Attach(io *socket.Server) {
	if o, ok := io.Opts().(interface{ SetCleanupEmptyChildNamespaces(bool) }); ok {
		o.SetCleanupEmptyChildNamespaces(true)
	}
	refuse := func(_ string, _ any, next func(error, bool)) { next(nil, false) }
	h.parent, _ = io.Of(socket.ParentNspNameMatchFn(&refuse), nil).(socket.ParentNamespace)
	h.sentinel = socket.MakeSocket()
}

// Open makes a namespace, which the library did not have, and binds it with [Options.Bind]. The caller makes sure that the
// library sees no CONNECT for the name before Open has returned, and that one Open or [Hub.Discard] of a name runs at a time.
// [socket.Namespace.Sockets] does not list the sockets of such a namespace; FetchSockets does.
func (h *Hub) Open(name string) {
	nsp := h.parent.CreateChild(name)
	nsp.Sockets().Store(h.sentinel.Id(), h.sentinel)
	if n := h.namespaceOf(name); n != nil {
		nsp.Use(n.middleware) // CreateChild drops those that the adapter has added
		n.opened.Store(true)
	}
}

// ErrOccupied means that a namespace has sockets.
var ErrOccupied = errors.New("namespace has sockets")

// Discard makes the library forget a namespace of [Hub.Open], so that the name can be opened again. While the library has
// sockets of it, Discard does nothing and returns [ErrOccupied]. The caller makes sure that the library sees no CONNECT for
// the name. Discarding a namespace that is not open does nothing.
func (h *Hub) Discard(name string) error {
	n := h.namespaceOf(name)
	if n == nil || !n.opened.Load() {
		return nil
	}
	if !n.members.isEmpty() || n.nsp.Sockets().Len() > 1 {
		return ErrOccupied
	}
	n.nsp.Remove(h.sentinel)
	return nil
}

// Members is how many sockets of this node are in a namespace: those that have been greeted and have not left. A namespace
// that does not exist has none.
func (h *Hub) Members(name string) int {
	if n := h.namespaceOf(name); n != nil {
		return n.headcount.value()
	}
	return 0
}
