package engineio

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"scalable-chat/server/internal/test/assert"
)

func TestEmitter_Order(t *testing.T) {
	var e emitter
	var got []string
	note := func(name string) func(...any) {
		return func(args ...any) { got = append(got, name+args[0].(string)) }
	}
	_ = e.On("x", note("a"), nil, note("b"))
	_ = e.Once("x", note("c"))
	_ = e.AddListener("y", note("d"))
	e.Emit("x", "1")
	e.Emit("x", "2")
	e.Emit("y", "3")
	e.Emit("z", "4")
	assert.Equal(t, "calls", strings.Join(got, " "), "a1 b1 c1 a2 b2 d3")
	assert.Equal(t, "listeners", e.ListenerCount("x"), 2)
	assert.Equal(t, "events", e.Len(), 2)
	assert.Equal(t, "removed", e.RemoveAllListeners("x"), true)
	assert.Equal(t, "removed again", e.RemoveAllListeners("x"), false)
	e.Clear()
	assert.Equal(t, "events", len(e.EventNames()), 0)
}

func TestEmitter_RemoveListener(t *testing.T) {
	var e emitter
	calls := 0
	fn := func(...any) { calls++ }
	other := func(...any) { calls += 10 }
	_ = e.On("x", fn, other)
	assert.Equal(t, "of another event", e.RemoveListener("y", fn), false)
	assert.Equal(t, "nil", e.RemoveListener("x", nil), false)
	assert.Equal(t, "removed", e.RemoveListener("x", fn), true)
	e.Emit("x")
	assert.Equal(t, "calls", calls, 10)
}

func TestEmitter_ListenersMayChangeListeners(t *testing.T) {
	var e emitter
	calls := 0
	_ = e.Once("x", func(...any) {
		calls++
		_ = e.Once("x", func(...any) { calls += 10 })
		e.RemoveAllListeners("y")
	})
	_ = e.On("y", func(...any) { calls += 100 })
	e.Emit("x")
	assert.Equal(t, "first", calls, 1)
	e.Emit("y")
	e.Emit("x")
	e.Emit("x")
	assert.Equal(t, "second", calls, 11)
}

func TestEmitter_OnceIsOnce(t *testing.T) {
	for range 100 {
		var e emitter
		var calls atomic.Int32
		_ = e.Once("x", func(...any) { calls.Add(1) })
		var emitters sync.WaitGroup
		for range 4 {
			emitters.Go(func() { e.Emit("x") })
		}
		emitters.Wait()
		assert.Equal(t, "calls", calls.Load(), 1)
	}
}
