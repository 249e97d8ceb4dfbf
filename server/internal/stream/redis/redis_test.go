package redis

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"scalable-chat/server/internal/stream"
	"scalable-chat/server/internal/stream/streamtest"
	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/test/redistest"
)

func TestMain(m *testing.M) { redistest.VerifyMain(m) }

func TestContract(t *testing.T) {
	server := redistest.Start(t)
	streamtest.Run(t, func(t *testing.T) streamtest.Harness {
		server.CLI("FLUSHALL")
		return harness(t, open(t, server.Addr, Options{MaxLen: 1 << 20}))
	})
}

// harness makes the hooks of the contract suite for a stream.
func harness(t *testing.T, s *Stream) streamtest.Harness {
	client := s.opts.Client
	return streamtest.Harness{
		Stream: s,
		Close:  s.Close,
		Trim: func(keep int) {
			assert.NoError(t, client.XTrimMaxLen(t.Context(), s.opts.Key, int64(keep)).Err())
		},
		Flush: func() {
			assert.NoError(t, client.FlushAll(t.Context()).Err())
		},
		Expire: func() {
			for _, table := range s.script.keys[2:4] {
				ttl, err := client.PTTL(t.Context(), table).Result()
				assert.NoError(t, err)
				if ttl > 2*s.opts.DedupeTTL+time.Second || ttl > 0 && ttl <= s.opts.DedupeTTL {
					t.Errorf("%s lives for %v, DedupeTTL is %v", table, ttl, s.opts.DedupeTTL)
				}
				assert.NoError(t, client.Del(t.Context(), table).Err())
			}
		},
	}
}

// open makes a stream at one server, see openAt.
func open(t testing.TB, addr string, opts Options) *Stream {
	t.Helper()
	return openAt(t, ClientOptions{Addrs: []string{addr}}, opts)
}

// openAt makes a stream that notices faults quickly, and closes it with the test.
func openAt(t testing.TB, where ClientOptions, opts Options) *Stream {
	t.Helper()
	client, err := NewClient(where)
	assert.NoError(t, err)
	opts.Client = client
	if opts.Key == "" {
		opts.Key = "room"
	}
	if opts.Block == 0 {
		opts.Block = 100 * time.Millisecond
	}
	opts.MaxLen, opts.AppendTimeout = cmp.Or(opts.MaxLen, 10_000), cmp.Or(opts.AppendTimeout, 5*time.Second)
	opts.DedupeTTL, opts.DedupeMax = cmp.Or(opts.DedupeTTL, 10*time.Minute), cmp.Or(opts.DedupeMax, 500_000)
	opts.Logger = slog.New(slog.DiscardHandler)
	s, err := New(opts)
	assert.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = s.Close(ctx)
		_ = client.Close()
	})
	return s
}

func TestNewRefusesBadOptions(t *testing.T) {
	client := redis.NewClient(&redis.Options{})
	defer client.Close()
	whole := Options{
		Client: client, Key: "room", MaxLen: 1, DedupeTTL: time.Minute, DedupeMax: 1, AppendTimeout: time.Second,
	}
	for what, spoil := range map[string]func(*Options){
		"no client":         func(o *Options) { o.Client = nil },
		"no key":            func(o *Options) { o.Key = "" },
		"a hash tag":        func(o *Options) { o.Key = "{room}:stream" },
		"no length":         func(o *Options) { o.MaxLen = 0 },
		"no memory of keys": func(o *Options) { o.DedupeTTL = 0 },
		"no keys":           func(o *Options) { o.DedupeMax = 0 },
		"no time-out":       func(o *Options) { o.AppendTimeout = 0 },
	} {
		opts := whole
		spoil(&opts)
		if _, err := New(opts); err == nil {
			t.Errorf("New took options with %s", what)
		}
	}
	s, err := New(whole)
	assert.NoError(t, err)
	assert.NoError(t, s.Close(t.Context()))
}

// TestP4_RepeatedBatchIsStoredOnce: a repeated batch gets the same offsets; an overtaken batch is refused.
func TestP4_RepeatedBatchIsStoredOnce(t *testing.T) {
	server := redistest.Start(t)
	s := open(t, server.Addr, Options{})
	records := []record{{event: []byte("a")}, {event: []byte("b"), key: Digest("b")}, {event: []byte("c")}}
	first := s.script.prepare(1, records)
	offsets, err := s.script.run(t.Context(), first)
	assert.NoError(t, err)
	again, err := s.script.run(t.Context(), first)
	assert.NoError(t, err)
	if len(offsets) != 3 || offsets[0] != again[0] || offsets[1] != again[1] || offsets[2] != again[2] {
		t.Fatalf("offsets %v, then %v", offsets, again)
	}
	_, err = s.script.run(t.Context(), s.script.prepare(2, records[:1]))
	assert.NoError(t, err)
	if _, err = s.script.run(t.Context(), first); err == nil || !strings.HasPrefix(err.Error(), "STALE") {
		t.Fatalf("an overtaken batch: %v", err)
	}
	if n := server.CLI("XLEN", "room"); n != "5" { // with the genesis
		t.Fatalf("%s entries", n)
	}
}

// TestOffsetsGrowAfterLossWithClockBehind: entries that this process has seen are lost, and the clock of Redis is behind
// them: new offsets are still greater.
func TestOffsetsGrowAfterLossWithClockBehind(t *testing.T) {
	server := redistest.Start(t)
	s := open(t, server.Addr, Options{})
	future := stream.Offset{Ms: uint64(time.Now().Add(time.Hour).UnixMilli()), Seq: 7}
	check := func(what string, got stream.Offset, want string) {
		t.Helper()
		if got.String() != want {
			t.Fatalf("%s: %s, want %s", what, got, want)
		}
	}
	ms := strconv.FormatUint(future.Ms, 10)
	s.script.saw(future)
	entries, err := s.Last(t.Context(), stream.Offset{}, 1)
	assert.NoError(t, err)
	check("genesis", entries[0].Offset, ms+"-8")
	check("event", put(t, s, "", "x"), ms+"-9")

	// The tail is gone, but Redis remembers its last id.
	server.CLI("XTRIM", "room", "MAXLEN", "0")
	s.script.newest = stream.Offset{Ms: future.Ms, Seq: 8}
	check("event after trimming all", put(t, s, "", "x"), ms+"-11")
}

func TestRetentionIsApproximatelyBounded(t *testing.T) {
	server := redistest.Start(t)
	s := open(t, server.Addr, Options{MaxLen: 500})
	putMany(t, s, 3000)
	n, err := strconv.Atoi(server.CLI("XLEN", "room"))
	if err != nil || n < 500 || n > 700 {
		t.Fatalf("%d entries are retained (%v), want about 500", n, err)
	}
}

func TestKeysShareOneHashTagAndExpire(t *testing.T) {
	server := redistest.Start(t)
	s := open(t, server.Addr, Options{})
	put(t, s, strings.Repeat("long key ", 1000), "x")
	for _, key := range strings.Fields(server.CLI("KEYS", "*")) {
		if key == "room" {
			continue
		}
		if !strings.HasPrefix(key, "{room}:") || len(key) > 50 {
			t.Errorf("key %q", key)
		}
		if ttl := server.CLI("TTL", key); ttl == "-1" {
			t.Errorf("key %s does not expire", key)
		}
	}
}

// TestP4_KeyIsRememberedForOneToTwoTTLs: wherever in the period of a table the first use falls.
func TestP4_KeyIsRememberedForOneToTwoTTLs(t *testing.T) {
	const ttl = 150 * time.Millisecond
	server := redistest.Start(t)
	s := open(t, server.Addr, Options{DedupeTTL: ttl})
	for range 5 {
		before := time.Now()
		first := put(t, s, "key", "x")
		stored := time.Now()
		for {
			asked := time.Now()
			if put(t, s, "key", "x") == first {
				if asked.Sub(stored) > 2*ttl+10*time.Millisecond {
					t.Fatalf("still remembered after %v", asked.Sub(stored))
				}
				continue
			}
			if forgotten := time.Since(before); forgotten < ttl {
				t.Fatalf("forgotten within %v", forgotten)
			}
			break
		}
	}
}

// TestMSG10_TheNewestKeysAreRememberedAndNoMoreThanTwiceAsMany: in a flood of ids Redis forgets older ones and never grows.
func TestMSG10_TheNewestKeysAreRememberedAndNoMoreThanTwiceAsMany(t *testing.T) {
	const most = 1000
	server := redistest.Start(t)
	s := open(t, server.Addr, Options{DedupeMax: most, MaxLen: 100})
	offsets := putKeys(t, s, 0, 10*most)
	kept := 0
	for _, table := range s.script.keys[2:4] {
		n, err := strconv.Atoi(server.CLI("HLEN", table))
		assert.NoError(t, err)
		kept += n
	}
	if kept > 2*(most+batchRecords+1) {
		t.Errorf("%d keys are kept, DedupeMax is %d", kept, most)
	}
	again := putKeys(t, s, 9*most, 10*most)
	for i, o := range again {
		if o != offsets[9*most+i] {
			t.Fatalf("key %d of the newest %d was forgotten", i, most)
		}
	}
	if put(t, s, "key 0", "x") == offsets[0] {
		t.Error("the oldest key is still remembered")
	}
}

// TestP6_AFloodOfKeysDoesNotFillRedis: all keys together would exceed the memory limit, and still everything is stored.
func TestP6_AFloodOfKeysDoesNotFillRedis(t *testing.T) {
	server := redistest.Start(t, "--maxmemory", "4mb", "--maxmemory-policy", "noeviction")
	s := open(t, server.Addr, Options{DedupeMax: 2000, MaxLen: 100})
	putKeys(t, s, 0, 40_000) // all keys would take 4 MB, beside the 1 MB that an empty Redis needs
}

// putKeys appends entries with the keys of a range of numbers and returns their offsets.
func putKeys(t *testing.T, s *Stream, from, to int) []stream.Offset {
	t.Helper()
	offsets, errs := make([]stream.Offset, to-from), make(chan error, to-from)
	for i := range offsets {
		assert.NoError(t, s.Append(t.Context(), "key "+strconv.Itoa(from+i), []byte("x"), func(o stream.Offset, err error) {
			offsets[i] = o
			errs <- err
		}))
	}
	for range offsets {
		assert.NoError(t, <-errs)
	}
	return offsets
}

// TestMSG12_SharedSettingsOverrideThoseOfANode: a stream with other options trims and forgets by the shared settings.
func TestMSG12_SharedSettingsOverrideThoseOfANode(t *testing.T) {
	server := redistest.Start(t)
	mine := open(t, server.Addr, Options{MaxLen: 5000})
	odd := open(t, server.Addr, Options{MaxLen: 60, DedupeTTL: time.Millisecond, DedupeMax: 1})
	server.CLI("SET", "{room}:settings", "dedupe_max=1000 dedupe_ttl_ms=60000 history_window=5000")
	offsets := putKeys(t, mine, 0, 900)
	for i, o := range putKeys(t, odd, 0, 900) {
		if o != offsets[i] {
			t.Fatalf("key %d was forgotten", i)
		}
	}
	putKeys(t, odd, 900, 1100)
	if n := server.CLI("XLEN", "room"); n != "1101" {
		t.Errorf("%s entries are left", n)
	}
	server.CLI("SET", "{room}:settings", "history_window=500 dedupe_ttl_ms=nonsense")
	put(t, mine, "", "x")
	if n, _ := strconv.Atoi(server.CLI("XLEN", "room")); n > 700 {
		t.Errorf("%d entries are left, the window is 500 now", n)
	}
}

func TestForeignEntryIsAGapOnce(t *testing.T) {
	server := redistest.Start(t)
	s := open(t, server.Addr, Options{})
	put(t, s, "", "ours")
	server.CLI("XADD", "room", "*", "something", "else")
	put(t, s, "", "ours again")
	err := s.Follow(t.Context(), stream.Offset{}, func([]stream.Entry) error { return nil })
	if !errors.Is(err, stream.ErrGap) {
		t.Fatalf("error %v", err)
	}
	entries, err := s.Last(t.Context(), stream.Offset{}, 10)
	if err != nil || len(entries) != 2 || string(entries[1].Event) != "ours again" {
		t.Fatalf("%v, %v", entries, err)
	}
	putMany(t, s, 3)
	seen := 0
	enough := errors.New("enough")
	err = s.Follow(t.Context(), entries[1].Offset, func(batch []stream.Entry) error {
		if seen += len(batch); seen == 3 {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) {
		t.Fatal(err)
	}
}

func put(t testing.TB, s *Stream, key, event string) stream.Offset {
	t.Helper()
	offset, err := tryPut(s, key, event)
	assert.NoError(t, err)
	return offset
}

func tryPut(s *Stream, key, event string) (stream.Offset, error) {
	type result struct {
		offset stream.Offset
		err    error
	}
	results := make(chan result, 1)
	err := s.Append(context.Background(), key, []byte(event), func(o stream.Offset, err error) {
		results <- result{o, err}
		close(results) // panics if done is called twice
	})
	if err != nil {
		return stream.Offset{}, err
	}
	r := <-results
	return r.offset, r.err
}

func putMany(t testing.TB, s *Stream, n int) {
	t.Helper()
	results := make(chan error, n)
	for i := range n {
		assert.NoError(t, s.Append(t.Context(), "", []byte("event "+strconv.Itoa(i)), func(_ stream.Offset, err error) { results <- err }))
	}
	for range n {
		assert.NoError(t, <-results)
	}
}
