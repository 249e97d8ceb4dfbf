package shard

import (
	"context"
	_ "embed"
	"fmt"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"scalable-chat/server/internal/redisx"
	"scalable-chat/server/internal/stream"
	"scalable-chat/server/internal/stream/redis"
)

var (
	//go:embed room.lua
	roomLua    string
	roomScript = redis.AppendScript(roomLua)
)

// markerTTL is how long Redis remembers the outcome of a batch. A batch is retried for half of that.
const markerTTL = time.Hour

// posting is an event on its way to Redis.
type posting struct {
	key      string // digest, empty for none
	event    []byte
	done     func(stream.Offset, error)
	deadline time.Time // of its outcome
}

// batch are the records of a room that are sent together, as often as it takes. Who holds the room owns it.
type batch struct {
	room           *room
	records        []posting
	bytes          int
	told           int // how many of the oldest records have been reported as unavailable
	number, writer uint64
	newest         stream.Offset // when it was made
	began          time.Time
	wait           redisx.Backoff
}

// call returns the keys and arguments of the script. Each batch of this process has a higher number than the one before. The
// marker has the name of the first batch of the room's handle: no other handle of the room uses it.
func (s *Rooms) call(b *batch) (keys []string, args []any) {
	tag := b.room.tag()
	marker := fmt.Sprintf("%s:writer:%s-%d", tag, s.writer, b.writer)
	keys = []string{b.room.stream(), marker, tag + ":keys:0", tag + ":keys:1", b.room.genesis()}
	args = append(make([]any, 0, 10+2*len(b.records)), b.number, markerTTL.Milliseconds(), b.newest.Ms, b.newest.Seq,
		s.opts.Window(), s.opts.DedupeTTL.Milliseconds(), s.opts.DedupeMax,
		s.opts.TTL().Milliseconds(), s.publishCommand(), b.room.channel())
	for _, rec := range b.records {
		args = append(args, rec.key, rec.event)
	}
	return keys, args
}

// outcome is what an attempt to store a batch has brought.
type outcome struct {
	offsets []stream.Offset
	unheard error // the batch is stored, but its news was not told
	err     error
}

// sendAll tries to store the batches, all in one exchange with one master, each by itself.
func (s *Rooms) sendAll(ctx context.Context, master *goredis.Client, batches []*batch, loaded bool) []outcome {
	pipe, answers := master.Pipeline(), make([]*goredis.Cmd, len(batches))
	for i, b := range batches {
		keys, args := s.call(b)
		if i == 0 && !loaded {
			answers[i] = roomScript.Eval(ctx, pipe, keys, args...)
		} else {
			answers[i] = roomScript.EvalSha(ctx, pipe, keys, args...)
		}
	}
	results, err := pipe.Exec(ctx)
	err = redisx.NotSent(results, err)
	outcomes := make([]outcome, len(batches))
	for i, b := range batches {
		if outcomes[i] = read(answers[i], len(b.records)); err != nil {
			outcomes[i].err = err
		}
	}
	return outcomes
}

// read reads the answer to a batch of n records.
func read(answer *goredis.Cmd, n int) (o outcome) {
	text, err := answer.Text()
	if err != nil {
		return outcome{err: err}
	}
	text, trouble, failed := strings.Cut(text, "!")
	if failed {
		o.unheard = fmt.Errorf("news of a room: %s", trouble)
	}
	o.offsets, o.err = redis.ParseOffsets(text, n)
	return o
}

// final reports whether it is no use to try a batch again. Then Redis has changed nothing.
func final(err error) bool {
	// Redis 6.2 puts the error of a command into a sentence.
	return strings.Contains(err.Error(), "WRONGTYPE") || goredis.HasErrorPrefix(err, "STALE")
}

// unknown reports whether Redis has run nothing because it does not know the script.
func unknown(err error) bool { return goredis.HasErrorPrefix(err, "NOSCRIPT") }
