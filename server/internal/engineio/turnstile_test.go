package engineio

import (
	"testing"
	"time"

	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/wire"
)

func TestTurnstile_OneTurnAfterTheOther(t *testing.T) {
	var ts turnstile
	assert.Equal(t, "the turn before the first", ts.release(0), false)
	for want := uint64(1); want <= 3; want++ {
		number := ts.take(wire.Event, 0, 0)
		assert.Equal(t, "number", number, want)
		assert.Equal(t, "late", ts.release(number-1), false)
		assert.Equal(t, "early", ts.release(number+1), false)
		assert.Equal(t, "lasts", ts.lasts(number), true)
		assert.Equal(t, "released", ts.release(number), true)
		assert.Equal(t, "lasts", ts.lasts(number), false)
		assert.Equal(t, "twice", ts.release(number), false)
	}
}

func TestTurnstile_ATurnLastsAsLongAsItsPace(t *testing.T) {
	var ts turnstile
	number := ts.take(wire.Ack, time.Second, 3*time.Second)
	ts.extend(number, 2*time.Second)
	assert.Equal(t, "never shortened", ts.finish(time.Second), 2*time.Second)
	ts.extend(number+1, 9*time.Second)
	ts.extend(number, 5*time.Second)
	assert.Equal(t, "extended", ts.finish(time.Second), 4*time.Second)
	assert.Equal(t, "over", ts.finish(5*time.Second), 0)
	ts.release(number)
	ts.extend(number, 9*time.Second)
	assert.Equal(t, "not after its end", ts.finish(5*time.Second), 0)
}

func TestTurnstile_StallsOnlyWhileTheLibraryWorks(t *testing.T) {
	var ts turnstile
	assert.Equal(t, "no turn", ts.stalled(time.Hour), false)
	number := ts.take(wire.Event, time.Second, 10*time.Minute)
	assert.Equal(t, "in time", ts.stalled(time.Second+stallTimeout), false)
	assert.Equal(t, "too long", ts.stalled(2*time.Second+stallTimeout), true)
	ts.finish(2 * time.Second)
	assert.Equal(t, "while its pace lasts", ts.stalled(10*time.Minute), false)
	ts.release(number)
	assert.Equal(t, "after its end", ts.stalled(time.Hour), false)
}

func TestTurnstile_AWaitForTheReaderCanBePassed(t *testing.T) {
	var ts turnstile
	ts.pass() // nobody waits
	passed := ts.awaitReader()
	assert.Equal(t, "waits", ts.wait, forReader)
	assert.Equal(t, "passed", isClosed(passed), false)
	ts.pass()
	ts.pass() // once is enough
	assert.Equal(t, "passed", isClosed(passed), true)
	ts.stopWaiting()
	assert.Equal(t, "waits", ts.wait, noWait)
}

func TestTurn_OfNobodyIsDone(*testing.T) { Turn{}.Done() }
