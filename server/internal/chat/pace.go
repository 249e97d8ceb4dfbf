package chat

import (
	"context"
	"time"
)

// pace blocks while the connection sends events faster than its rate. Every event takes its turn here, a refused one
// too: a flood of garbage is read no faster than a flood of messages.
func (s *Service) pace(ctx context.Context, c *Client) *Error {
	delay := c.events.Reserve(s.now())
	if delay == 0 {
		return nil
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return unavailable("The connection closed before it was this event's turn.", ctx.Err())
	}
}
