package chat

import (
	"bytes"
	"context"
	"encoding/json"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"scalable-chat/server/internal/auth"
	"scalable-chat/server/internal/test/assert"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const fixtures = "../../../protocol/fixtures/"

// load reads a golden file into a value of the test's own shape.
func load[T any](t testing.TB, file string) T {
	t.Helper()
	var v T
	text, err := os.ReadFile(fixtures + file)
	if err == nil {
		err = json.Unmarshal(text, &v)
	}
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return v
}

// guest is a socket of a guest on a connection of its own.
func guest(s *Service, id string) *Client {
	return member(s, id, auth.Identity{ID: "~" + id, Guest: true})
}

// member is a socket of a user on a connection of its own, which has no address.
func member(s *Service, id string, who auth.Identity) *Client {
	return s.NewClient(s.NewConnection(netip.Prefix{}), id, auth.Fixed(who), nil)
}

// plain returns the value as a client would decode it.
func plain(t testing.TB, v any) any {
	t.Helper()
	var out any
	text, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(text, &out)
	}
	if err != nil {
		t.Fatalf("not JSON: %#v: %v", v, err)
	}
	return out
}

// object decodes the single argument of a client's event.
func object(text string) []any {
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		panic(err)
	}
	return []any{v}
}

// appended is an event that reached the record.
type appended struct {
	key  string
	args []byte
	done func(Position, error)
}

// event is the argument that a listener gets, with the time stamp at.
func (p appended) event(t testing.TB, at int64) map[string]any {
	t.Helper()
	if n := bytes.Count(p.args, []byte{TimeMark}); n != 1 {
		t.Fatalf("%q has %d time marks", p.args, n)
	}
	var args []any
	text := bytes.Replace(p.args, []byte{TimeMark}, strconv.AppendInt(nil, at, 10), 1)
	if err := json.Unmarshal(text, &args); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	assert.Equal(t, "event name", args[0], "message")
	assert.Equal(t, "number of arguments", len(args), 2)
	return args[1].(map[string]any)
}

// desk is a record and an archive that a test can inspect.
type desk struct {
	mu      sync.Mutex
	queue   []appended
	hold    bool  // report no outcome by itself
	refuse  error // refuse to queue
	entries []Entry
	fail    error // of the archive
	asked   int   // the last n
}

var (
	_ Record  = (*desk)(nil)
	_ Archive = (*desk)(nil)
)

const stamp = 1700000000000

func (d *desk) Append(_ context.Context, key string, args []byte, done func(Position, error)) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.refuse != nil {
		return d.refuse
	}
	d.queue = append(d.queue, appended{key, args, done})
	if !d.hold {
		done(Position{Ms: stamp}, nil)
	}
	return nil
}

func (d *desk) Before(_ context.Context, before string, n, _ int) ([]Entry, error) {
	d.asked = n
	if d.fail != nil {
		return nil, d.fail
	}
	end := d.find(func(e Entry) bool { return before != "" && e.Offset >= before })
	return slices.Clone(d.entries[max(0, end-n):end]), nil
}

func (d *desk) After(ctx context.Context, after string, n, enough int) ([]Entry, error) {
	return d.From(ctx, after+" ", n, enough)
}

func (d *desk) From(_ context.Context, from string, n, _ int) ([]Entry, error) {
	d.asked = n
	if d.fail != nil {
		return nil, d.fail
	}
	begin := d.find(func(e Entry) bool { return e.Offset >= from })
	return slices.Clone(d.entries[begin:min(begin+n, len(d.entries))]), nil
}

// find is the index of the first entry for which f is true.
func (d *desk) find(f func(Entry) bool) int {
	if i := slices.IndexFunc(d.entries, f); i >= 0 {
		return i
	}
	return len(d.entries)
}

// tally counts outcomes.
type tally struct {
	mu sync.Mutex
	n  map[string]int
}

func (c *tally) handled(event, outcome string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n == nil {
		c.n = map[string]int{}
	}
	c.n[event+" "+outcome]++
}

// acks collects the answers to one event.
type acks struct {
	mu  sync.Mutex
	all []any
}

func (a *acks) add(v any) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.all = append(a.all, v)
}

// one is the only answer.
func (a *acks) one(t testing.TB) any {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.all) != 1 {
		t.Fatalf("%d answers instead of one: %v", len(a.all), a.all)
	}
	return a.all[0]
}

// code is the code of the only answer, or "ok" if it is not a refusal.
func (a *acks) code(t testing.TB) string {
	t.Helper()
	if r, ok := a.one(t).(Refusal); ok {
		return string(r.Code)
	}
	return OutcomeOK
}

// checkRefusal compares a refusal with a golden one, which has no message.
func checkRefusal(t testing.TB, got any, want map[string]any) {
	t.Helper()
	answer := plain(t, got).(map[string]any)
	if words, ok := answer["message"].(string); !ok || words == "" {
		t.Errorf("the refusal has no words: %v", answer)
	}
	delete(answer, "message")
	assert.Equal(t, "refusal", answer, want)
}

// elapsed runs f and returns how long it took by the (fake) clock.
func elapsed(f func()) time.Duration {
	start := time.Now()
	f()
	return time.Since(start)
}
