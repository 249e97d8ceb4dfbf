package adapter

import (
	"encoding/json"
	"time"
)

// Each calls fn with the client of each socket that counts for [Hub.Members], in no certain order and without a lock. A
// namespace that does not exist has none.
func (h *Hub) Each(namespace string, fn func(Client)) {
	n := h.namespaceOf(namespace)
	if n == nil {
		return
	}
	for _, m := range n.members.greeted() {
		if m.client != nil {
			fn(m.client)
		}
	}
}

// Others is how many other nodes a [Hub.Query] asks.
func (h *Hub) Others() int {
	if h.opts.Bus == nil {
		return 0
	}
	return h.nodes() - 1
}

// Query asks all other nodes for their [Options.Answer] about a namespace, and blocks until they have answered. take gets the
// answers, JSON arrays, one at a time, and says whether an answer makes sense. The error is [ErrUnanswered] if a node did not
// answer within the time-out, or says why nobody was asked; the answers that came are good nevertheless.
func (h *Hub) Query(namespace string, timeout time.Duration, take func(answer json.RawMessage) bool) error {
	expected := h.Others()
	if expected == 0 {
		return nil
	}
	ended := make(chan error, 1)
	err := h.gather(&message{Kind: kindQuery, Nsp: namespace}, &gathering{
		expected: expected,
		accepts:  kindReply,
		take:     func(m *message) bool { return take(m.Args) },
		done:     func(err error) { ended <- err },
	}, timeout)
	if err != nil {
		return err
	}
	return <-ended
}

// answerQuery answers the [Hub.Query] of another node.
func (h *Hub) answerQuery(node string, m *message) {
	answer := json.RawMessage("[]")
	if h.opts.Answer != nil {
		answer = h.opts.Answer(m.Nsp)
	}
	_ = h.tell(node, &message{Kind: kindReply, ID: m.ID, Args: answer, Last: true})
}
