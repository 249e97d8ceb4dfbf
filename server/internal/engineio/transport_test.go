package engineio

import (
	"net"
	"testing"

	"scalable-chat/server/internal/test/assert"
)

func TestTransport_UpgradesOnce(t *testing.T) {
	var first, second net.Conn = &net.TCPConn{}, &net.TCPConn{}
	tr := newTransport(false)
	assert.Equal(t, "polls", tr.polls(), true)
	assert.Equal(t, "busy", tr.busy(), false)

	assert.Equal(t, "tried", tr.try(first), true)
	assert.Equal(t, "a second attempt", tr.try(second), false)
	assert.Equal(t, "polls on", tr.polls() && tr.probing() && tr.busy(), true)
	assert.Equal(t, "WebSocket", tr.webSocket(), nil)
	tr.giveUp()
	assert.Equal(t, "after the attempt", tr, transport{})

	assert.Equal(t, "tried again", tr.try(second), true)
	tr.confirm()
	assert.Equal(t, "attaching", tr.attaching() && tr.busy() && !tr.polls() && !tr.probing(), true)
	assert.Equal(t, "WebSocket", tr.webSocket(), second)
	tr.attached()
	assert.Equal(t, "attaching", tr.attaching(), false)
	assert.Equal(t, "an attempt after the upgrade", tr.try(first), false)
	assert.Equal(t, "busy", tr.busy(), true)
	tr.hangUp()
	assert.Equal(t, "busy", tr.busy(), false)
	assert.Equal(t, "WebSocket", tr.webSocket(), second)
	assert.Equal(t, "an attempt after the end", tr.try(first), false)
}

func TestTransport_ASessionOpenedAsWebSocketNeverPolls(t *testing.T) {
	var nc net.Conn = &net.TCPConn{}
	tr := newTransport(true)
	assert.Equal(t, "polls", tr.polls(), false)
	assert.Equal(t, "WebSocket", tr.webSocket(), nil)
	assert.Equal(t, "an attempt", tr.try(nc), false)
	tr.accept(nc)
	assert.Equal(t, "polls", tr.polls(), false)
	assert.Equal(t, "WebSocket", tr.webSocket(), nc)
	assert.Equal(t, "busy", tr.busy(), true)
}
