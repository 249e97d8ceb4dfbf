package api

import "scalable-chat/server/internal/chat"

// The answers that are not those of package chat.
type (
	// Rooms are rooms that are open on the node that answers, in the order of their names.
	Rooms struct {
		Rooms []chat.Listed `json:"rooms"` // never null
		More  bool          `json:"more"`  // there are more after the last one
	}

	// Nodes are the live nodes that the node that answers knows.
	Nodes struct {
		Nodes []Node `json:"nodes"` // never null
	}

	// Node is one of them.
	Node struct {
		ID          string `json:"id"`
		Address     string `json:"address,omitempty"` // where other nodes reach it; empty: they do not
		Connections int    `json:"connections"`       // clients of it in the global room
		Self        bool   `json:"self"`              // it is the one that answers
	}
)
