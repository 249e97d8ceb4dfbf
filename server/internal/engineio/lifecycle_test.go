package engineio

import (
	"testing"

	"scalable-chat/server/internal/test/assert"
)

func TestLifecycle_OpensAndEndsOnce(t *testing.T) {
	var l lifecycle
	assert.Equal(t, "finish", l.begin(), false)
	l.part()
	assert.Equal(t, "an open session has not parted", l.parted(), false)
	first, finish := l.end(causeDrain)
	assert.Equal(t, "first and to be finished", first && finish, true)
	assert.Equal(t, "ended", l.ended(), true)
	assert.Equal(t, "its client may fetch", l.fetching(), true)
	first, finish = l.end(causeGone)
	assert.Equal(t, "a second end", first || finish, false)
	assert.Equal(t, "cause", l.cause(), causeDrain)
	l.part()
	assert.Equal(t, "parted", l.parted(), true)
	assert.Equal(t, "its client may fetch", l.fetching(), false)
	assert.Equal(t, "ended", l.ended(), true)
}

func TestLifecycle_OpeningASessionThatHasEndedFinishesIt(t *testing.T) {
	var l lifecycle
	first, finish := l.end(causeGone)
	assert.Equal(t, "first", first, true)
	assert.Equal(t, "finished by the one who ends it", finish, false)
	assert.Equal(t, "ended", l.ended(), true)
	assert.Equal(t, "finished by the one who opens it", l.begin(), true)
	first, finish = l.end(causeDrain)
	assert.Equal(t, "a second end", first || finish, false)
	assert.Equal(t, "cause", l.cause(), causeGone)
	assert.Equal(t, "a client at fault fetches nothing", l.fetching(), false)
}
