// Package cluster lets several server processes act as one behind a balancer without sticky sessions.
//
// It owns who the nodes are and how many clients they hold (Registry), the settings that all nodes share, the address at
// which a node is reached (Address), and the check that it is reached there (Reach). Everything is kept in Redis under
// keys that share the hash tag {STREAM_KEY}; a server without Redis uses Alone. Nothing here is needed for the order or
// the safety of messages: that is the stream's business.
package cluster

// Node is one of the nodes.
type Node struct {
	ID          string
	Address     string // host:port where other nodes reach it; empty: they do not
	Connections int    // members of the global room
	Self        bool   // it is this node
}

// Members answers what the rest of the server asks about the cluster. All methods may be called from any goroutine and
// do no I/O.
type Members interface {
	// Online returns the number of members of the global room in the whole cluster: the live count of this node and what the other
	// live nodes last reported (not older than the heartbeat while Redis is reachable, the last known while it is not).
	Online() int
	// Watch calls fn with the new count after it changed, at most once a second, from one goroutine and without
	// overlap; fn must be quick. The returned function ends it; a call that has begun may still finish.
	Watch(fn func(online int)) (stop func())
}
