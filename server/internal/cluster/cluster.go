// Package cluster lets several server processes act as one behind a balancer without sticky sessions.
//
// It owns four things: who the nodes are and how many clients they hold (Registry), the way of a request to the node
// that owns its session (Forwarder), a best-effort bus between nodes (Bus), and the address at which a node is reached
// (Address). Everything is kept in Redis under keys that share the hash tag {STREAM_KEY}; a server without Redis uses
// Alone and NoBus, which give the same answers for a cluster of one. Nothing here is needed for the order or the
// safety of messages: that is the stream's business.
package cluster

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"strings"
)

const (
	nodeIDLen   = 8
	nodeIDChars = "abcdefghijklmnopqrstuvwxyz0123456789"
	// separator ends the node's id in a session id. It needs no escaping in a URL and occurs neither in node ids nor in
	// base64url.
	separator = "."
	// sessionRandomBytes is what makes a session id unguessable: 144 bits, 24 characters.
	sessionRandomBytes = 18
)

// Members answers what the rest of the server asks about the cluster. All methods may be called from any goroutine and
// do no I/O, [Router.Route] excepted.
type Members interface {
	// Online returns the number of connections to the whole cluster: the live count of this node and what the other
	// live nodes last reported (not older than the heartbeat while Redis is reachable, the last known while it is not).
	Online() int
	// Watch calls fn with the new count after it changed, at most once a second, from one goroutine and without
	// overlap; fn must be quick. The returned function ends it; a call that has begun may still finish.
	Watch(fn func(online int)) (stop func())
}

// Router knows where sessions live. Both methods may be called from any goroutine.
type Router interface {
	// Route returns where the node with that id is reached. An id that is not known yet may be looked up in Redis,
	// which takes a bounded time (about a second) and ends early with ctx.
	Route(ctx context.Context, nodeID string) (Route, bool)
	// Admits reports whether ticket was made for this node by a node of this cluster. It compares in constant time.
	Admits(ticket string) bool
}

// Route is how a request reaches a node.
type Route struct {
	Address string // host:port
	Ticket  string // proves to that node, and only to it, that the request comes from a node of its cluster
}

// NewNodeID returns a random node id: eight characters of [a-z0-9]. Ids are never reused, so a restarted process is a
// new node.
func NewNodeID() string {
	id := make([]byte, 0, nodeIDLen)
	var buf [32]byte
	for {
		rand.Read(buf[:]) // never fails: it ends the process instead
		for _, b := range buf {
			// Bytes beyond the last whole multiple are dropped, so that all characters are equally likely.
			if int(b) >= 256/len(nodeIDChars)*len(nodeIDChars) {
				continue
			}
			id = append(id, nodeIDChars[int(b)%len(nodeIDChars)])
			if len(id) == nodeIDLen {
				return string(id)
			}
		}
	}
}

// NewSessionID returns an unguessable Engine.IO session id that names nodeID as its owner. It needs no escaping in a
// query string.
func NewSessionID(nodeID string) string {
	var buf [sessionRandomBytes]byte
	rand.Read(buf[:])
	return nodeID + separator + base64.RawURLEncoding.EncodeToString(buf[:])
}

// Owner returns the id of the node that made the session id, and false if it is not one of ours.
func Owner(sid string) (nodeID string, ok bool) {
	nodeID, rest, ok := strings.Cut(sid, separator)
	if !ok || rest == "" || !validNodeID(nodeID) {
		return "", false
	}
	return nodeID, true
}

func validNodeID(id string) bool {
	if len(id) != nodeIDLen {
		return false
	}
	for i := range len(id) {
		if !strings.Contains(nodeIDChars, id[i:i+1]) {
			return false
		}
	}
	return true
}

// redisKey is the name of one of the package's keys and channels. All of them share a hash tag, so that they live in
// one slot of a Redis Cluster.
func redisKey(streamKey, name string) string { return "{" + streamKey + "}:" + name }
