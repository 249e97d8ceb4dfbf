package adapter

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"scalable-chat/server/internal/bus"
)

const (
	busTopic = "socket.io"
	// inboxCalls and inboxBytes bound what others sent and has not been dealt with.
	inboxCalls = 1024
	inboxBytes = 8 << 20
	// complaintInterval is the shortest time between two log lines about the bus: when it fails, it fails often.
	complaintInterval = time.Second
)

// errTooLarge is the answer to what the bus does not carry.
var errTooLarge = errors.New("too large for the bus")

// everyone stands for all other nodes.
const everyone = ""

// tell sends a message to another node, or to all of them. Without a bus there is nobody to tell.
func (h *Hub) tell(node string, m *message) error {
	if h.opts.Bus == nil {
		return nil
	}
	payload, err := json.Marshal(m)
	switch {
	case err != nil:
	case len(payload) > bus.MaxPayload:
		err = fmt.Errorf("%d bytes: %w", len(payload), errTooLarge)
	case node == everyone:
		err = h.opts.Bus.Publish(busTopic, payload)
	default:
		err = h.opts.Bus.Send(node, busTopic, payload)
	}
	if err != nil {
		err = fmt.Errorf("%s for other nodes: %w", m.Kind, err)
		h.busUnsent.Add(1)
		h.complain("message was not sent", err)
	}
	return err
}

// complain logs what is wrong with the bus or with what came by it, but not every time.
func (h *Hub) complain(what string, err error) {
	now, last := time.Now().UnixNano(), h.complained.Load()
	if now-last > int64(complaintInterval) && h.complained.CompareAndSwap(last, now) {
		h.logger.Warn("cluster: "+what, "error", err)
	}
}

// receive takes a message of another node. Answers and what is volatile are passed on at once; what asks for work waits its turn, so that
// work that takes long, or waits for an answer itself, does not keep answers out.
func (h *Hub) receive(from string, payload []byte) {
	if h.life.Err() != nil {
		return
	}
	m, err := decodeMessage(payload)
	if err != nil {
		h.busMalformed.Add(1)
		h.complain("message of another node makes no sense", err)
		return
	}
	if m.Kind.isAnswer() {
		h.requests.answer(from, m)
		return
	}
	if m.Kind == kindTogether || m.Kind == kindEmit && m.Volatile {
		h.hear(m)
		return
	}
	if !h.inbox.do(len(payload), func() { h.serve(from, m) }) {
		h.busUnheard.Add(1)
		h.complain("message of another node was dropped", errBacklog)
	}
}
