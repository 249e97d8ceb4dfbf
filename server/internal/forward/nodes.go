package forward

import "context"

// Nodes is what a [Forwarder] asks the registry of the cluster. Both methods may be called from any goroutine.
type Nodes interface {
	// Route returns how the node with that id is reached. An id that is not known yet may be looked up in Redis, which
	// takes a bounded time (about a second) and ends early with ctx.
	Route(ctx context.Context, nodeID string) (Route, bool)
	// Admits reports whether a node of this cluster made the ticket for this node. It compares in constant time.
	Admits(ticket string) bool
}

// Route is how a request reaches a node.
type Route struct {
	Address string // host:port
	Ticket  string // proves to that node, and only to it, that a node of its cluster sends the request
}
