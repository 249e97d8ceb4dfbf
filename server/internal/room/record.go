package room

import (
	"context"

	"scalable-chat/server/internal/chat"
	"scalable-chat/server/internal/stream"
)

// Append implements [chat.Record]: it appends the arguments of a message event to the record.
func (r *Room) Append(ctx context.Context, key string, args []byte, done func(at int64, err error)) error {
	return r.opts.Replica.Append(ctx, key, args, func(o stream.Offset, err error) { done(int64(o.Ms), err) })
}

// Before implements [chat.Archive], within [chat.HistoryBytes].
func (r *Room) Before(ctx context.Context, before string, n int) ([]chat.Entry, error) {
	var offset stream.Offset
	if before != "" {
		var err error
		if offset, err = stream.ParseOffset(before); err != nil {
			return nil, err
		}
	}
	entries, err := r.opts.Replica.Before(ctx, offset, n, chat.HistoryBytes)
	out := make([]chat.Entry, 0, len(entries))
	for _, e := range entries {
		out = append(out, chat.Entry{Offset: e.Offset.String(), At: int64(e.Offset.Ms), Args: e.Event})
	}
	return out, err
}
