package room

import (
	"context"

	"scalable-chat/server/internal/auth"
	"scalable-chat/server/internal/chat"
)

// Publish is [chat.Service.Publish] in this room.
func (r *Room) Publish(ctx context.Context, by auth.Identity, m chat.PublishedMessage) (chat.Stored, error) {
	stored, bad := r.rules.Publish(ctx, by, m)
	if bad != nil {
		return stored, bad // not a nil of another type
	}
	return stored, nil
}

// History is [chat.Service.Read] in this room.
func (r *Room) History(ctx context.Context, place chat.Place, limit int) (chat.Past, error) {
	past, bad := r.rules.Read(ctx, place, limit)
	if bad != nil {
		return past, bad
	}
	return past, nil
}
