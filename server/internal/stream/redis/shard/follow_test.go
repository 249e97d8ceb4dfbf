package shard

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"scalable-chat/server/internal/stream"
	"scalable-chat/server/internal/test/assert"
)

// record is a sink that keeps all it gets.
type record struct {
	mu       sync.Mutex
	entries  []stream.Entry // since the last Reset
	resets   int
	messages []string
	members  int
}

func (r *record) Reset(entries []stream.Entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.entries, r.resets = append([]stream.Entry(nil), entries...), r.resets+1
}

func (r *record) Deliver(entries []stream.Entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.entries = append(r.entries, entries...)
}

func (r *record) Message(message []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.messages = append(r.messages, string(message))
}

func (r *record) Members(total int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.members = total
}

// events is what came since the last Reset, without the genesis, in one line.
func (r *record) events() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []string
	for _, e := range r.entries {
		if len(e.Event) > 0 {
			all = append(all, string(e.Event))
		}
	}
	return strings.Join(all, " ")
}

// offsets are those of all entries since the last Reset.
func (r *record) offsets() (all []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.entries {
		all = append(all, e.Offset.String())
	}
	return all
}

func (r *record) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.resets
}

// follow opens a room, and waits until it has begun.
func follow(t testing.TB, s *Rooms, name string) (*room, *record) {
	t.Helper()
	r, sink := s.Room(name).(*room), &record{}
	r.Follow(10, sink)
	t.Cleanup(r.Close)
	assert.Eventually(t, "the room begins", func() bool { return sink.count() > 0 })
	return r, sink
}

func TestROOM_NewsComesByTheChannel(t *testing.T) {
	for kind, launch := range kinds {
		t.Run(kind, func(t *testing.T) {
			addrs := launch(t)
			here, there := start(t, Options{}, addrs...), start(t, Options{}, addrs...)
			for i := range 20 {
				name := fmt.Sprint("room-", i)
				_, sink := follow(t, here, name)
				var sent outcomes
				want := "0"
				say(t, there.Room(name), &sent, want)
				for n := range 20 {
					want += fmt.Sprint(" ", n+1)
					say(t, there.Room(name), &sent, fmt.Sprint(n+1))
				}
				assert.Eventually(t, "all comes", func() bool { return sink.events() == want })
				assert.Equal(t, "resets", sink.count(), 1)
			}
			assert.Equal(t, "what came", here.Stats(), Stats{ByChannel: 20 * 21})
		})
	}
}
