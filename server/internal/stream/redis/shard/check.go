package shard

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"

	"scalable-chat/server/internal/redisx"
	"scalable-chat/server/internal/stream"
)

const (
	checkEvery     = 5 * time.Second // each room; the rooms of a master one after the other, evenly
	checkedAtOnce  = 256
	membersAfter   = 6 // checks
	dumbEvery      = time.Minute
	renewPerExpiry = 8 // the expiry of a room is renewed so many times before it comes
)

// checker is what a receiver knows of its checks.
type checker struct {
	began   time.Duration // of this round
	next    int           // the place of the next room in the list
	missed  int           // entries of this round that the link should have brought
	brought uint64        // by the link before this round
	dumbAt  time.Duration // when a link was given up because it brought nothing
}

// checking is one room of a batch of checks.
type checking struct {
	feed    *feed
	last    stream.Offset // what the feed had
	newest  *redis.XMessageSliceCmd
	since   bool             // newest is only what came after last
	genesis *redis.StringCmd // instead, of a silent room
	members *redis.MapStringStringCmd
}

// check checks the rooms whose turn it is. A room that a swap in the list hides is checked in the next round.
func (s *receiver) check(ctx context.Context) {
	c, now := &s.checker, s.feeds.now()
	elapsed := min(now-c.began, checkEvery)
	for end := int(int64(s.rooms()) * int64(elapsed) / int64(checkEvery)); c.next < end; {
		rooms := s.residents(c.next, min(end, c.next+checkedAtOnce))
		if !s.checkBatch(ctx, rooms) {
			return
		}
		c.next += max(len(rooms), 1)
	}
	if elapsed == checkEvery {
		s.judge(ctx)
		c.began, c.next = now, 0
	}
}

// checkBatch checks some rooms, and reports whether Redis has answered.
func (s *receiver) checkBatch(ctx context.Context, rooms []*feed) bool {
	pipe, batch := s.feeds.rooms.opts.Client.Pipeline(), make([]checking, 0, len(rooms))
	for _, d := range rooms {
		if master, err := s.feeds.rooms.master(ctx, d.room); err == nil && master.Options().Addr != s.addr {
			s.feeds.evict(d)
		} else if c, ok := d.beginCheck(ctx, pipe); ok {
			batch = append(batch, c)
		}
	}
	if len(batch) == 0 {
		return true
	}
	limited, cancel := context.WithTimeout(ctx, redisx.ExchangeTimeout)
	defer cancel()
	results, err := pipe.Exec(limited)
	if redisx.NotSent(results, err) != nil {
		return false
	}
	well := false
	for _, c := range batch {
		err := c.finish()
		well = well || err == nil || final(err)
	}
	if well && len(s.reader.failed) == 0 {
		s.blind.Well()
	}
	return well
}

// judge gives up a link that seems to live but has brought nothing in this round, although there were entries.
func (s *receiver) judge(ctx context.Context) {
	c, now := &s.checker, s.feeds.now()
	missed := c.missed
	c.missed = 0
	if s.link == nil {
		return
	}
	brought := s.link.brought.Load()
	if missed > 0 && brought == c.brought && s.link.since < c.began && (c.dumbAt == 0 || now-c.dumbAt > dumbEvery) {
		c.dumbAt = now
		s.release(ctx, errDumb)
	}
	c.brought = brought
}

// beginCheck adds the commands of a check to the pipeline, unless the room has not begun yet.
func (d *feed) beginCheck(ctx context.Context, pipe redis.Pipeliner) (c checking, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.sink == nil || d.last.IsZero() {
		return c, false
	}
	d.checks++
	c = checking{feed: d, last: d.last, since: d.large && d.checks < membersAfter}
	key, newest := d.room.stream(), "-"
	if c.since {
		newest = "(" + d.last.String()
	}
	if d.silent {
		key = d.room.genesis()
		c.genesis = pipe.Get(ctx, key)
	} else {
		c.newest = pipe.XRevRangeN(ctx, key, "+", newest, 1)
	}
	if d.checks >= membersAfter {
		d.checks = 0
		d.askLocked()
		c.members = pipe.HGetAll(ctx, d.room.online())
	}
	d.renewLocked(ctx, pipe, key)
	return c, true
}

// renewLocked makes sure that a room with members does not expire.
func (d *feed) renewLocked(ctx context.Context, pipe redis.Pipeliner, key string) {
	ttl, now := d.feeds.rooms.opts.TTL(), d.feeds.now()
	if d.renewed == 0 || now-d.renewed > ttl/renewPerExpiry {
		d.renewed = now
		pipe.PExpire(ctx, key, ttl)
		pipe.PExpire(ctx, d.room.online(), ttl)
	}
}

// finish compares what the stream has with what the feed had. A newer entry is on its way; the channel should bring it.
func (c checking) finish() error {
	if c.members != nil && c.members.Err() == nil {
		c.feed.enrol(c.members.Val())
		if !c.feed.closed() { // else the room may be open again, and counted by another handle
			c.feed.feeds.rooms.census.compare(c.feed.room, c.members.Val())
		}
	}
	newest, err := c.found()
	switch {
	case err != nil:
	case newest.Compare(c.last) > 0:
		c.feed.expect(newest)
	case newest != c.last:
		c.feed.suspect()
	}
	return err
}

// found returns the newest entry of the stream; it is zero if there is none.
func (c checking) found() (newest stream.Offset, err error) {
	id := ""
	if c.genesis != nil {
		id, err = c.genesis.Result()
	} else {
		var messages []redis.XMessage
		if messages, err = c.newest.Result(); len(messages) > 0 {
			id = messages[0].ID
		} else if c.since {
			return c.last, err
		}
	}
	if err != nil && !errors.Is(err, redis.Nil) {
		return newest, err
	}
	if newest, err = stream.ParseOffset(id); err != nil {
		return stream.Offset{}, nil
	}
	return newest, nil
}
