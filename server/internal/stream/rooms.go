package stream

import "context"

// Record is the part of a [Stream] that appends and reads.
type Record interface {
	// Append is [Stream.Append].
	Append(ctx context.Context, key string, event []byte, done func(Offset, error)) error
	// Last is [Stream.Last].
	Last(ctx context.Context, before Offset, n int) ([]Entry, error)
	// After is [Stream.After].
	After(ctx context.Context, after Offset, n int) ([]Entry, error)
}

// Rooms are the records of many rooms, one for each name. All methods may be called from any goroutine.
type Rooms interface {
	// Room returns the record of the room with this name, which must be legal (see [ValidRoom]). It costs no I/O and starts
	// nothing. The caller closes it; a process must not have two rooms of one name open at once.
	Room(name string) Room

	// Online returns how many members each of the named rooms has on all live nodes, in the order of the names.
	Online(ctx context.Context, names []string) ([]int, error)
}

// Room is the record of one room. Beyond a [Record], it hands out new entries as they come, and it connects this node with
// the others that have the room open. A room that nobody follows costs no goroutine and no timer, a silent room that
// somebody follows neither.
type Room interface {
	Record

	// Follow begins to hand out entries to the sink, and returns at once. The sink first gets a Reset with the newest
	// entries, at most tail and at least one; then everything after them. Follow may be called once.
	Follow(tail int, sink Sink)

	// Publish sends a short message to the sinks of this room on all other nodes. It is best effort: the message may be
	// dropped, not repeated. It does not block.
	Publish(message []byte)

	// SetMembers says how many members this node has. Changes are coalesced. It does not block.
	SetMembers(n int)

	// Close ends the following, and removes this node from the room's members. No method of the sink is running or will be
	// called after it has returned, so a sink must not call it. Appends that are queued finish.
	Close()
}

// Sink takes what a room has for this node. A room calls one method at a time. A sink must not call the room's methods from
// them, and must be quick: it delays other rooms of the same shard.
type Sink interface {
	// Reset drops what the sink has, which is no longer continued, and begins with these entries: the newest of the record,
	// oldest first, without a gap, at least one. It is the first call, and comes again after each gap. The sink may keep the
	// events, not the slice.
	Reset(entries []Entry)
	// Deliver adds the entries that follow, in order, at least one. The sink may keep the events, not the slice.
	Deliver(entries []Entry)
	// Message takes what another node has published. It may keep the bytes.
	Message(message []byte)
	// Members says how many members the room has on all live nodes, as this node knows it.
	Members(total int)
}

// MaxRoomName is the most characters of a room's name.
const MaxRoomName = 64

// ValidRoom reports whether a name is that of a room: 1 to [MaxRoomName] of A-Z a-z 0-9 . _ ~ -, but neither "." nor "..".
// Every stock client sends such a name unchanged. Case matters.
func ValidRoom(name string) bool {
	if len(name) == 0 || len(name) > MaxRoomName || name == "." || name == ".." {
		return false
	}
	for i := range len(name) {
		c := name[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (c < '0' || c > '9') && c != '.' && c != '_' && c != '~' && c != '-' {
			return false
		}
	}
	return true
}
