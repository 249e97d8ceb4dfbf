package api

import "scalable-chat/server/internal/chat"

// The answers that are not those of package chat.
type (
	// Rooms are rooms that are open on the node that answers, in the order of their names.
	Rooms struct {
		Rooms []chat.Listed `json:"rooms"` // never null
		More  bool          `json:"more"`  // there are more after the last one
	}

	// Top are the busiest of the rooms that are open on the node that answers, those with the most deliveries first.
	Top struct {
		Rooms []Busy `json:"rooms"` // never null
	}

	// Busy is how busy one room is on the node that answers. Rates are per second, over about the last ten seconds.
	Busy struct {
		Name       string  `json:"name"`                // "/" is the global room
		Sockets    int     `json:"sockets"`             // members on this node
		Messages   float64 `json:"messagesPerSecond"`   // of all nodes
		Bytes      float64 `json:"bytesPerSecond"`      // of these messages, as they are stored
		Deliveries float64 `json:"deliveriesPerSecond"` // messages, once for each socket
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
