package room

import (
	"context"

	"scalable-chat/server/internal/chat"
	"scalable-chat/server/internal/stream"
)

// Append implements [chat.Record]: it appends the arguments of a message event to the record.
func (r *Room) Append(ctx context.Context, key string, args []byte, done func(at chat.Position, err error)) error {
	return r.opts.Replica.Append(ctx, key, args, func(o stream.Offset, err error) { done(chat.Position(o), err) })
}

// Before implements [chat.Archive].
func (r *Room) Before(ctx context.Context, before string, n, enough int) ([]chat.Entry, error) {
	if before == "" {
		return archived(r.opts.Replica.Before(ctx, stream.Offset{}, n, enough))
	}
	offset, err := stream.ParseOffset(before)
	if err != nil || offset.IsZero() {
		return nil, err
	}
	return archived(r.opts.Replica.Before(ctx, offset, n, enough))
}

// After implements [chat.Archive].
func (r *Room) After(ctx context.Context, after string, n, enough int) ([]chat.Entry, error) {
	offset, err := stream.ParseOffset(after)
	if err != nil {
		return nil, err
	}
	return archived(r.opts.Replica.After(ctx, offset, n, enough))
}

// From implements [chat.Archive].
func (r *Room) From(ctx context.Context, from string, n, enough int) ([]chat.Entry, error) {
	offset, err := stream.ParseOffset(from)
	if err != nil {
		return nil, err
	}
	return archived(r.opts.Replica.After(ctx, offset.Prev(), n, enough))
}

func archived(entries []stream.Entry, err error) ([]chat.Entry, error) {
	out := make([]chat.Entry, 0, len(entries))
	for _, e := range entries {
		out = append(out, chat.Entry{Offset: e.Offset.String(), At: int64(e.Offset.Ms), Args: e.Event})
	}
	return out, err
}
