package shard

import (
	"context"

	"scalable-chat/server/internal/redisx"
)

// Messages to other nodes that wait, and those that are sent at once.
const (
	maxOut          = 1024
	maxOutBytes     = 1 << 20
	publishedAtOnce = 128
)

// say queues a message to the other nodes, if there is room.
func (s *receiver) say(o outgoing) bool {
	s.mu.Lock()
	room := len(s.out) < maxOut && s.outSize+len(o.data) <= maxOutBytes
	if room {
		s.out = append(s.out, o)
		s.outSize += len(o.data)
	}
	s.mu.Unlock()
	s.kick()
	return room
}

// spoken takes messages that are to be sent.
func (s *receiver) spoken() []outgoing {
	messages := take(s, &s.out, publishedAtOnce)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range messages {
		s.outSize -= len(m.data)
	}
	return messages
}

// publish sends the messages to other nodes that wait, or loses them.
func (s *receiver) publish(ctx context.Context) {
	messages := s.spoken()
	if len(messages) == 0 {
		return
	}
	s.kick()           // for the next batch: what else there is to do comes in between
	if s.link == nil { // the master does not answer
		s.feeds.stats.unsent.Add(uint64(len(messages)))
		return
	}
	ctx, cancel := context.WithTimeout(ctx, redisx.ExchangeTimeout)
	defer cancel()
	pipe := s.master.Load().Pipeline()
	for _, m := range messages {
		if s.sharded {
			pipe.SPublish(ctx, m.channel, m.data)
		} else {
			pipe.Publish(ctx, m.channel, m.data)
		}
	}
	results, err := pipe.Exec(ctx)
	for _, result := range results {
		if result.Err() != nil || redisx.NotSent(results, err) != nil {
			s.feeds.stats.unsent.Add(1)
		}
	}
}
