package adapter

import (
	"errors"

	"github.com/zishang520/socket.io/v2/socket"
)

// The library makes and forgets dynamic namespaces by check-then-act: two clients that open one at the same moment get two
// objects of one name, and the clean-up of an empty one races a join. So the hub makes and forgets them itself, when the
// owner says so. The parent that it registers refuses every name, so that the library makes none.
//
// The library forgets a name only in the clean-up of an empty namespace, which it runs whenever a socket leaves, after it
// has counted those that are left. The hub takes the clean-up away from a namespace that it opens: the end of a room would
// cost the square of its members, and a late one would forget a later namespace of the name. To discard a namespace, the
// hub makes another one of the name, which never has a socket, and lets the library clean up that one.

// Attach prepares a Socket.IO server with this hub's [Hub.ServerOptions] for [Hub.Open]. It must be called once, before the
// server accepts connections. It sets the server's CleanupEmptyChildNamespaces.
func (h *Hub) Attach(io *socket.Server) {
	if o, ok := io.Opts().(interface{ SetCleanupEmptyChildNamespaces(bool) }); ok {
		o.SetCleanupEmptyChildNamespaces(true)
	}
	refuse := func(_ string, _ any, next func(error, bool)) { next(nil, false) }
	h.parent, _ = io.Of(socket.ParentNspNameMatchFn(&refuse), nil).(socket.ParentNamespace)
}

// Open makes a namespace, which the library did not have, and binds it with [Options.Bind]. The caller makes sure that the
// library sees no CONNECT for the name before Open has returned, and that one Open or [Hub.Discard] of a name runs at a time.
func (h *Hub) Open(name string) {
	nsp := h.parent.CreateChild(name)
	nsp.Cleanup(nil)
	nsp.Use(h.namespaceOf(name).middleware) // CreateChild drops those that the adapter has added
}

// ErrOccupied means that a namespace has sockets.
var ErrOccupied = errors.New("namespace has sockets")

// Discard makes the library forget a namespace of [Hub.Open], so that the name can be opened again. While the namespace has
// sockets, Discard does nothing and returns [ErrOccupied]. The caller makes sure that the library sees no CONNECT for the
// name. To discard a namespace that is not open does nothing.
func (h *Hub) Discard(name string) error {
	n := h.namespaceOf(name)
	if n == nil || !h.parent.Children().Has(n.nsp) {
		return nil
	}
	if !n.members.isEmpty() {
		return ErrOccupied
	}
	h.parent.Children().Delete(n.nsp)
	n.discarded.Store(true)
	h.parent.CreateChild(name).Remove(&socket.Socket{}) // whichever socket: it has none
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
