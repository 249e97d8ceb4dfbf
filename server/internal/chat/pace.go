package chat

import (
	"context"

	"scalable-chat/server/internal/pace"
)

// pace blocks while the connection sends events faster than its rate. Every event is paced, also one that is refused
// later, so a flood of garbage is read no faster than a flood of messages.
func (s *Service) pace(ctx context.Context, c *Client) *Error {
	delay := c.conn.events.Reserve(c.conn.now())
	if delay == 0 {
		return nil
	}
	if err := pace.Sleep(ctx, delay); err != nil {
		return unavailable("The connection closed before it was this event's turn.", err)
	}
	return nil
}
