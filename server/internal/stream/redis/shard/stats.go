package shard

import "sync/atomic"

// Stats counts what has come to the rooms of this node, and what was lost. The numbers only grow.
type Stats struct {
	ByChannel uint64 // entries that the channels brought
	ByRead    uint64 // entries that had to be read, but for those that a room begins with
	Old       uint64 // messages on a channel with entries that had come already
	Malformed uint64 // messages on a channel that no node writes
	Unchained uint64 // messages on a channel whose entries do not follow the last one: the room is read
	Missed    uint64 // entries that the channel did not bring, as a check found or an append of this node
	Gaps      uint64 // rooms that began anew because entries were lost
	Resyncs   uint64 // links to a master that failed: all its rooms are read
	Unsent    uint64 // messages to other nodes that were dropped
	Unheard   uint64 // batches that are stored, and whose news could not be told
}

// counters are what [Stats] are made of.
type counters struct {
	byChannel, byRead, old, malformed, unchained, missed, gaps, resyncs, unsent atomic.Uint64
}

// Stats returns the counters of this moment.
func (s *Rooms) Stats() Stats {
	c := &s.feeds.stats
	return Stats{
		ByChannel: c.byChannel.Load(), ByRead: c.byRead.Load(),
		Old: c.old.Load(), Malformed: c.malformed.Load(), Unchained: c.unchained.Load(), Missed: c.missed.Load(),
		Gaps: c.gaps.Load(), Resyncs: c.resyncs.Load(), Unsent: c.unsent.Load(), Unheard: s.unheard.Load(),
	}
}
