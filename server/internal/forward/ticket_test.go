package forward

import (
	"testing"

	"scalable-chat/server/internal/test/assert"
)

func TestTicketOpensOnlyItsNode(t *testing.T) {
	ticket := Ticket("secret", "aaaaaaaa")
	assert.Equal(t, "own", Admits("secret", "aaaaaaaa", ticket), true)
	assert.Equal(t, "other node", Admits("secret", "bbbbbbbb", ticket), false)
	assert.Equal(t, "other secret", Admits("guess", "aaaaaaaa", ticket), false)
	assert.Equal(t, "no secret", Admits("", "aaaaaaaa", Ticket("", "aaaaaaaa")), false)
	assert.Equal(t, "no ticket", Admits("secret", "aaaaaaaa", ""), false)
}
