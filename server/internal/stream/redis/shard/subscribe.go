package shard

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"
)

// listen sees whether the link lives, and gives it up if not.
func (s *receiver) listen(ctx context.Context) {
	l := s.link
	if l == nil {
		return
	}
	select {
	case <-l.ended:
		s.release(ctx, l.err)
		return
	default:
	}
	now, heard := s.feeds.now(), time.Duration(l.heard.Load())
	if heard > l.since {
		s.deaf.Well()
	}
	switch {
	case heard >= l.pinged && now-heard > silence:
		l.pinged = now
		if err := l.pubsub.Ping(ctx); err != nil {
			s.release(ctx, err)
		}
	case heard < l.pinged && now-l.pinged > deadAfter:
		s.release(ctx, errDeaf)
	}
}

// connect makes the link if there is none and rooms need one.
func (s *receiver) connect(ctx context.Context) {
	now := s.feeds.now()
	if s.rooms() == 0 {
		return
	}
	s.used = now
	if s.link != nil || now < s.linkAt {
		return
	}
	l, err := connect(ctx, s.master.Load(), s.sharded)
	if err != nil {
		s.failed(ctx, err, s.residents(0, everything))
		return
	}
	l.since = s.feeds.now()
	l.heard.Store(int64(l.since))
	s.link = l
	go l.receive(ctx, s)
}

// hangUp ends the link.
func (s *receiver) hangUp() {
	if l := s.link; l != nil {
		l.close()
		<-l.ended
		s.link, s.asked = nil, nil
	}
}

// release gives the link up because of an error.
func (s *receiver) release(ctx context.Context, err error) {
	l := s.link
	s.hangUp()
	if s.feeds.now()-l.since > retryMax {
		s.linkWait.Reset()
	}
	var lost []*feed
	for _, d := range s.residents(0, everything) {
		if d.lose(l) {
			lost = append(lost, d)
		}
	}
	s.failed(ctx, err, lost)
}

// failed notes that there is no link for these rooms. They may belong to another master by now.
func (s *receiver) failed(ctx context.Context, err error, rooms []*feed) {
	s.linkAt = s.feeds.now() + s.linkWait.Next()
	if ctx.Err() != nil {
		return
	}
	s.feeds.stats.resyncs.Add(1)
	s.deaf.Failed(err)
	s.feeds.rooms.reload(ctx)
	s.feeds.evict(rooms...)
	for _, d := range take(s, &s.wants, everything) {
		if !d.closed() {
			queue(s, &s.wants, d)
		}
	}
}

// subscribe makes the subscriptions of rooms as they should be, as long as Redis confirms them.
func (s *receiver) subscribe(ctx context.Context) {
	for s.link != nil {
		for len(s.asked) > 0 && !s.asked[0].feed.waits(s.link) {
			s.asked = s.asked[1:]
		}
		if len(s.asked) >= askedAtOnce {
			return
		}
		wants := take(s, &s.wants, 1)
		if len(wants) == 0 {
			return
		}
		if err := s.adjust(ctx, wants[0]); err != nil {
			s.release(ctx, err)
		}
	}
}

// adjust makes one subscription as it should be. A channel that was closed may belong to another feed by now.
func (s *receiver) adjust(ctx context.Context, d *feed) error {
	switch d.wish(s) {
	case wantNews:
		s.asked = append(s.asked, request{d, s.feeds.now()})
		return s.link.subscribe(ctx, d.channel)
	case wantNone:
		if other := s.feeds.find(d.channel); other == nil || !other.livesAt(s) {
			return s.link.unsubscribe(ctx, d.channel)
		}
	}
	return nil
}

// answered handles the answer to a request, or Redis's word that a room has moved away.
func (s *receiver) answered(l *link, answer *redis.Subscription) {
	d := s.feeds.find(answer.Channel)
	switch answer.Kind {
	case "subscribe", "ssubscribe":
		if d != nil {
			d.confirm(l)
		}
		s.kick() // for the next request
	case "sunsubscribe":
		if d != nil && d.revoke(l) {
			s.stray(d)
		}
	}
}
