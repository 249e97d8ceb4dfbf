package replica

import (
	"context"

	"scalable-chat/server/internal/stream"
)

// Append stores an event in the stream, as [stream.Stream.Append] does. Before that it waits for credit, for a bounded time:
// credit becomes free as this node delivers earlier entries.
func (r *Replica) Append(ctx context.Context, key string, event []byte, done func(stream.Offset, error)) error {
	size, err := r.credits.take(ctx, len(event), r.nodes())
	if err != nil {
		return err
	}
	r.appending.RLock()
	if r.drained {
		r.appending.RUnlock()
		r.credits.giveBack(size)
		return r.blockUntilClosed(ctx)
	}
	defer r.appending.RUnlock()
	err = r.opts.Stream.Append(ctx, key, event, func(o stream.Offset, err error) {
		if err == nil {
			r.credits.stored(o, size)
		} else {
			r.credits.giveBack(size)
		}
		done(o, err)
	})
	if err != nil {
		r.credits.giveBack(size)
	}
	return err
}

// blockUntilClosed blocks until shutdown. The client gets no answer; it reconnects elsewhere and retries.
func (r *Replica) blockUntilClosed(ctx context.Context) error {
	select {
	case <-r.life.Done():
	case <-ctx.Done():
	}
	return stream.ErrClosed
}

// Drain is for a node whose stream ends with it. Appends after the call block until [Replica.Close]. When Drain returns nil,
// every entry stored before is in the log.
func (r *Replica) Drain(ctx context.Context) error {
	r.appending.Lock()
	r.drained = true
	r.appending.Unlock()
	newest, err := r.opts.Stream.Last(ctx, stream.Offset{}, 1)
	if err != nil || len(newest) == 0 {
		return err
	}
	r.log.Reach(ctx, newest[0].Offset)
	return ctx.Err()
}
