package app

import (
	"fmt"
	"strings"
	"testing"

	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/test/redistest"
)

// TestROOM7_WhoLeavesRoomsMayEnterOthers: a client that is leaving is not told that it is in too many rooms, which is final.
func TestROOM7_WhoLeavesRoomsMayEnterOthers(t *testing.T) {
	const most = 12 // more than may be left at once without a delay
	a := start(t, fmt.Sprint("--max-rooms-per-connection=", most))
	r := session(t, a)
	for i := range most {
		r.enter(t, fmt.Sprint("old-", i))
	}
	var packets []string
	for i := range most {
		packets = append(packets, fmt.Sprintf("41/rooms/old-%d,", i), fmt.Sprintf("40/rooms/new-%d,", i))
	}
	assert.NoError(t, r.write(packets...))
	for entered := 0; entered < most; {
		p, err := r.read()
		assert.NoError(t, err)
		assert.Equal(t, "refused", strings.HasPrefix(p, "44"), false)
		if strings.HasPrefix(p, "40/rooms/new-") {
			entered++
		}
	}
}

// TestPRE3_AGreetingThatCountedTooMuchIsCorrected: the greeting may count a socket of the same client that has just left.
func TestPRE3_AGreetingThatCountedTooMuchIsCorrected(t *testing.T) {
	a := start(t, "--redis-url="+redistest.Start(t).URL())
	r := session(t, a)
	r.enter(t, "cats")
	r.until(t, `42/rooms/cats,["presence",{"online":1}]`)
	assert.NoError(t, r.write("41/rooms/cats,", "40/rooms/cats,"))
	r.until(t, "40/rooms/cats,{")
	r.until(t, `42/rooms/cats,["presence",{"online":1}]`)
}
