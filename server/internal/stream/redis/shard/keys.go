package shard

import (
	"strconv"

	"scalable-chat/server/internal/redisx"
)

// A name of a room has no colon and no braces, so no two rooms, of whatever STREAM_KEY, share a key, and no key of a main
// record begins with ":room" after its tag.

// tag begins all keys and the channel of a room.
func (r *room) tag() string { return redisx.Key(r.rooms.opts.Key+":"+r.name, "room") }

// stream is the key of the room's stream.
func (r *room) stream() string { return r.tag() }

// genesis is the key of the genesis id of a room without messages.
func (r *room) genesis() string { return r.tag() + ":genesis" }

// online is the key of the hash that has the members of each node.
func (r *room) online() string { return r.tag() + ":online" }

// channel is the name of the channel that carries the room's news.
func (r *room) channel() string { return r.tag() + ":news:" + strconv.Itoa(r.rooms.opts.DB) }
