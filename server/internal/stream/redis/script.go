package redis

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"scalable-chat/server/internal/stream"
)

var (
	//go:embed append.lua
	appendLua string
	//go:embed main.lua
	mainLua string
)

var mainScript = AppendScript(mainLua)

// AppendScript returns a script that begins with the function append (see append.lua) and ends with the given lines.
func AppendScript(lines string) *redis.Script { return redis.NewScript(appendLua + "\n" + lines) }

// markerTTL is how long Redis remembers the outcome of a batch, and so how long the batch may be retried.
const markerTTL = 24 * time.Hour

// script sends batches. All fields except the newest offset are fixed.
type script struct {
	client    redis.UniversalClient
	keys      []string // the stream, the marker of this process, two tables of deduplication keys, the shared settings
	maxLen    int64
	dedupeTTL time.Duration
	dedupeMax int64

	mu     sync.Mutex
	newest stream.Offset // the newest that this process has ever seen
}

// saw records that an entry with this offset exists.
func (s *script) saw(o stream.Offset) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o.Compare(s.newest) > 0 {
		s.newest = o
	}
}

func (s *script) seen() stream.Offset {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.newest
}

// call is one batch, ready to be sent any number of times.
type call struct {
	args    []any
	records int
}

// prepare makes the call that appends the records. Each call needs a higher number than the one before, unless it has no
// records: then it only ensures that there is a genesis entry.
func (s *script) prepare(number uint64, records []record) call {
	newest := s.seen()
	args := append(make([]any, 0, 7+2*len(records)), number, markerTTL.Milliseconds(), newest.Ms, newest.Seq,
		s.maxLen, s.dedupeTTL.Milliseconds(), s.dedupeMax)
	for _, r := range records {
		args = append(args, r.key, r.event)
	}
	return call{args, len(records)}
}

// run sends c and returns the offsets of its records. While the outcome is unknown, the caller may run c again.
func (s *script) run(ctx context.Context, c call) ([]stream.Offset, error) {
	answer, err := mainScript.Run(ctx, s.client, s.keys, c.args...).Text()
	if err != nil {
		return nil, err
	}
	offsets, err := ParseOffsets(answer, c.records)
	for _, o := range offsets {
		s.saw(o)
	}
	return offsets, err
}

// ParseOffsets reads the offsets of n records from the answer to a script that appends.
func ParseOffsets(answer string, n int) ([]stream.Offset, error) {
	offsets := make([]stream.Offset, 0, n)
	for text := range strings.FieldsSeq(answer) {
		o, err := stream.ParseOffset(text)
		if err != nil {
			return nil, err
		}
		offsets = append(offsets, o)
	}
	if len(offsets) != n {
		return nil, fmt.Errorf("%d offsets for %d records", len(offsets), n)
	}
	return offsets, nil
}

// Digest returns a digest of a key, so that every key costs Redis the same whatever its length and contents. 128 bits of
// SHA-256 do not collide by accident and nobody can make them collide. The empty key has an empty digest.
func Digest(key string) string {
	if key == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(key))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}
