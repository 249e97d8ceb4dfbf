package chat

import (
	"context"

	"scalable-chat/server/internal/auth"
)

// SystemID is the author id of messages that the operator's own programs publish in nobody's name. No user can have it.
const SystemID = auth.GuestPrefix + "system"

// System is the identity of the operator's own programs, with the name that others see.
func System(name string) auth.Identity {
	return auth.Identity{ID: SystemID, Name: name, Verified: true}
}

// PublishedMessage is a message of the operator's own programs.
type PublishedMessage struct {
	Text     string
	Username string // counts if the identity has no name
	ID       string // as a client's: the same message with the same id is stored once; empty: the service makes one
}

// Publish stores a message of an identity that the caller vouches for, by the rules for messages of clients but without their
// rates. It returns when the message is stored or refused, or when ctx ends: then it is [Unavailable], like any failure after
// which the message may or may not be stored. A name that cannot be shown is [Invalid].
func (s *Service) Publish(ctx context.Context, by auth.Identity, m PublishedMessage) (Stored, *Error) {
	checked, bad := s.readPublished(by, m)
	if bad != nil {
		return Stored{}, bad
	}
	type outcome struct {
		at  Position
		err error
	}
	outcomes := make(chan outcome, 1)
	c := &Client{speaker: auth.Fixed(by)} // without a socket
	s.trace(accepted, c, checked.id, Position{})
	err := s.record.Append(ctx, checked.key, encode(checked), func(at Position, err error) {
		if err == nil {
			s.trace(stored, c, checked.id, at)
		}
		outcomes <- outcome{at, err}
	})
	if err != nil {
		return Stored{}, unavailable(notStored, err)
	}
	select {
	case o := <-outcomes:
		if o.err != nil {
			return Stored{}, unavailable(notStored, o.err)
		}
		return Stored{Status: OutcomeOK, ID: checked.id, At: int64(o.at.Ms)}, nil
	case <-ctx.Done():
		return Stored{}, unavailable(notStored, ctx.Err())
	}
}

func (s *Service) readPublished(by auth.Identity, m PublishedMessage) (message, *Error) {
	if _, bad := s.normalName(by.Name); bad != nil {
		return message{}, bad
	}
	fields := map[string]any{"message": m.Text, "username": m.Username}
	if m.ID != "" {
		fields["id"] = m.ID
	}
	return s.readMessage(by, fields)
}
