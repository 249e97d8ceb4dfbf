package adapter

import (
	"context"
	"errors"

	"scalable-chat/server/internal/chat"
	"scalable-chat/server/internal/stream"
)

var _ chat.Publisher = (*Hub)(nil)

// errNoStream is the answer of a hub that keeps nothing.
var errNoStream = errors.New("no stream")

// Publish appends the arguments of an event of "/" to the stream, as [chat.Publisher] says.
func (h *Hub) Publish(ctx context.Context, key string, args []byte, done func(at int64, err error)) error {
	return h.append(ctx, key, args, func(o stream.Offset, err error) { done(int64(o.Ms), err) })
}

// append is the one way into the stream.
func (h *Hub) append(ctx context.Context, key string, args []byte, done func(stream.Offset, error)) error {
	if h.opts.Stream == nil {
		return errNoStream
	}
	size, err := h.brake.enter(ctx, len(args), h.nodes())
	if err != nil {
		return err
	}
	h.publishing.RLock()
	if h.settled {
		h.publishing.RUnlock()
		h.brake.leave(size)
		return h.tooLate(ctx)
	}
	defer h.publishing.RUnlock()
	err = h.opts.Stream.Append(ctx, key, args, func(o stream.Offset, err error) {
		if err == nil {
			h.brake.keep(o, size)
		} else {
			h.brake.leave(size)
		}
		done(o, err)
	})
	if err != nil {
		h.brake.leave(size)
	}
	return err
}

// tooLate lets a publisher wait for the end: its client, who is about to be sent away, is told nothing and asks again.
func (h *Hub) tooLate(ctx context.Context) error {
	select {
	case <-h.life.Done():
	case <-ctx.Done():
	}
	return stream.ErrClosed
}

// Settle is for a node whose stream ends with it: from now on nothing is published any more, who tries waits until Close,
// and when Settle returns nil, everything that was stored before is in the log.
func (h *Hub) Settle(ctx context.Context) error {
	h.publishing.Lock()
	h.settled = true
	h.publishing.Unlock()
	newest, err := h.opts.Stream.Last(ctx, stream.Offset{}, 1)
	if err != nil || len(newest) == 0 {
		return err
	}
	h.opts.Log.Reach(ctx, newest[0].Offset)
	return ctx.Err()
}

// publish appends what was broadcast with the library's own Emit, whose callers are told nothing.
func (h *Hub) publish(args []byte) {
	lost := func(err error) {
		h.unsent.Add(1)
		h.log.Error("broadcast was not stored", "error", err)
	}
	err := h.append(h.life, "", args, func(_ stream.Offset, err error) {
		if err != nil {
			lost(err)
		}
	})
	if err != nil {
		lost(err)
	}
}

// Presence tells every socket of "/" on this node how many connections there are to the cluster. It is volatile: who is
// not ready for it gets the next one. It must not be called more often than once a second.
func (h *Hub) Presence(online int) {
	n := h.main.Load()
	if n == nil {
		return
	}
	frame := appendPresence(nil, online, stream.Offset{})
	for _, m := range n.members.greeted() {
		m.conn.SendVolatile(frame)
	}
}

// Typing relays a notice to every socket of "/" but one, as [chat.Relay] says.
func (h *Hub) Typing(except string, notice chat.Typing) {
	n := h.main.Load()
	if n == nil {
		return
	}
	// The namespace's own emitter: the notice goes the way of any volatile event, to the other nodes too.
	if err := n.nsp.Except(roomOf(except)).Volatile().Emit(chat.EventTyping, notice); err != nil {
		h.log.Error("typing notice", "error", err)
	}
}
