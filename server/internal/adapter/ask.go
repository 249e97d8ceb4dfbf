package adapter

import (
	"encoding/json"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zishang520/socket.io-go-parser/v2/parser"
	"github.com/zishang520/socket.io/v2/socket"
)

const (
	// maxAnswers bounds the client answers that this node waits for, over all questions.
	maxAnswers = 1 << 20
	// maxWindow bounds how long this node waits for answers on behalf of another node.
	maxWindow = time.Hour
	// emitGrace is how long answers wait for the library's Emit to return, and how long before its time-out they end. The
	// library does not synchronize its bookkeeping: a callback during either could run twice, or not at all.
	emitGrace = 2 * time.Millisecond
)

var errTooManyAnswers = errors.New("too many answers of clients are waited for already")

// BroadcastWithAck implements [socket.Adapter]: every selected client, on every node, gets the event. ack gets one answer
// of each client, one at a time, as exactly one value: the first argument of the answer, or nil if it has none. count gets
// the counts when no answer is outstanding; if one is missing, the operator's own time-out reports that. BroadcastWithAck
// does not block, and keeps nothing after the time-out.
func (n *namespace) BroadcastWithAck(packet *parser.Packet, opts *socket.BroadcastOptions, count func(uint64), ack socket.Ack) {
	opts = complete(opts)
	id := n.nsp.Ids() // one id for all clients of this node: the counter is the namespace's
	packet.Id = &id
	e, ok := n.encode(packet)
	if !ok {
		return
	}
	window := n.hub.opts.Timeout
	if opts.Flags.Timeout != nil {
		window = *opts.Flags.Timeout
	}
	window = max(window-emitGrace, 0)
	to := n.match(opts)
	s := newSurvey(n, n.others(opts), opts.Flags.ExpectSingleResponse, count, ack)
	m := n.concerning(kindAsk, opts)
	m.Args, m.Binary, m.Window = e.args, e.attachments(), window.Milliseconds()
	if err := s.begin(m, len(to), window); err != nil {
		n.hub.logger.Error("broadcast with acknowledgement", "error", err)
		return
	}
	if err := n.ask(e, opts.Flags.Volatile, to, window, s.answered); err != nil {
		n.hub.logger.Error("broadcast with acknowledgement", "error", err)
	}
}

// survey is the asking node's side of a broadcast that every client answers. It shields the library's operator, which
// compares numbers without a lock, takes two values of one client for two answers, and panics if it expects a single answer
// and gets none, or one that is not wrapped.
type survey struct {
	nsp      *namespace
	expected int // other nodes
	single   bool
	count    func(uint64)
	ack      socket.Ack
	calls    *serial // of count and ack

	mu       sync.Mutex
	request  uint64 // zero: no other node is asked
	clients  int    // asked so far, on all nodes that have counted
	answers  int
	others   map[string]*tally
	complete bool
}

// tally counts the clients and answers of another node.
type tally struct{ clients, answers int }

func newSurvey(n *namespace, expected int, single bool, count func(uint64), ack socket.Ack) *survey {
	s := &survey{nsp: n, expected: expected, single: single, count: count, ack: ack, others: map[string]*tally{}}
	s.calls = newSerial(n.hub, "acknowledgement callback", maxAnswers+1, inboxBytes)
	s.calls.hold()
	return s
}

// begin asks the other nodes; local is the number of clients that this node is about to ask.
func (s *survey) begin(m *message, local int, window time.Duration) error {
	s.clients = local
	if local == 0 && s.expected == 0 {
		s.report()
		return nil
	}
	if s.expected > 0 {
		id, err := s.nsp.hub.requests.add(window, s.heard, func(error) {})
		if err != nil {
			return err
		}
		s.mu.Lock()
		s.request, m.ID = id, id
		s.mu.Unlock()
		if err := s.nsp.hub.tell(everyone, m); err != nil {
			s.nsp.hub.requests.remove(id)
			return err
		}
	}
	time.AfterFunc(emitGrace, s.calls.start)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.checkLocked()
	return nil
}

// answered takes the answer of a client of this node.
func (s *survey) answered(args []any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.takeLocked(args)
}

// heard takes the messages of another node: first the number of clients that it asks, then their answers.
func (s *survey) heard(from string, m *message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.complete {
		return
	}
	t := s.others[from]
	switch {
	case m.Kind == kindAsked && t == nil && len(s.others) < maxNodes && m.Clients <= maxAnswers-s.clients:
		s.others[from] = &tally{clients: m.Clients}
		s.clients += m.Clients
		s.checkLocked()
	case m.Kind == kindAck && t != nil && t.answers < t.clients:
		t.answers++
		s.takeLocked(m.values())
	}
}

func (s *survey) takeLocked(args []any) {
	value := []any{nil}
	switch {
	case s.single:
		value[0] = args // the operator unwraps it
	case len(args) > 0:
		value[0] = args[0]
	}
	s.answers++
	s.calls.do(0, func() { s.ack(value, nil) })
	s.checkLocked()
}

// checkLocked ends the survey if as many nodes have counted as the cluster has, and all their clients have answered.
func (s *survey) checkLocked() {
	if s.complete || len(s.others) < s.expected || s.answers < s.clients {
		return
	}
	s.complete = true
	if s.request != 0 {
		s.nsp.hub.requests.remove(s.request)
	}
	s.calls.do(0, s.report)
}

// report gives the operator the counts when no client's answer is outstanding. The operator looks up the number of servers
// itself and may find another than the survey did; report calls count often enough for either.
func (s *survey) report() {
	if s.single && s.clients == 0 {
		return // no client answered: the operator's time-out reports that
	}
	s.count(uint64(s.clients))
	for range max(s.expected+1, int(s.nsp.ServerCount())) - 1 {
		s.count(0)
	}
}

// question is an event that waits for answers, on the node of the clients that are asked.
type question struct {
	hub *Hub
	id  uint64 // of the packet
	to  []*member

	mu    sync.Mutex
	timer *time.Timer
	open  int // outstanding answers
}

// ask sends a packet with an id to sockets of this node and passes on one answer of each that answers within the window.
// It drops later answers.
func (n *namespace) ask(e encoded, volatile bool, to []*member, window time.Duration, answer func([]any)) error {
	h := n.hub
	if h.awaited.Add(int64(len(to))) > maxAnswers {
		h.awaited.Add(-int64(len(to)))
		return errTooManyAnswers
	}
	if len(to) > 0 {
		q := &question{hub: h, id: *e.packet.Id, to: to, open: len(to)}
		q.register(window, answer)
	}
	n.deliver(e, volatile, to)
	return nil
}

func (q *question) register(window time.Duration, answer func([]any)) {
	q.mu.Lock() // neither a guessed answer nor the end of the window can interfere
	defer q.mu.Unlock()
	q.timer = time.AfterFunc(window, q.expire)
	for _, m := range q.to {
		var once atomic.Bool
		m.socket.Acks().Store(q.id, func(args []any, _ error) {
			if once.CompareAndSwap(false, true) && q.take() {
				answer(args)
			}
		})
	}
}

// take counts one answer; false: it is too late.
func (q *question) take() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.open == 0 {
		return false
	}
	q.hub.awaited.Add(-1)
	if q.open--; q.open == 0 {
		q.timer.Stop()
	}
	return true
}

func (q *question) expire() {
	q.mu.Lock()
	q.hub.awaited.Add(-int64(q.open))
	q.open = 0
	q.mu.Unlock()
	for _, m := range q.to {
		m.socket.Acks().Delete(q.id)
	}
}

// answerAsk asks the sockets of this node on behalf of another node, which gets their number before the first answer.
func (n *namespace) answerAsk(node string, m *message, to []*member) {
	h := n.hub
	if err := h.tell(node, &message{Kind: kindAsked, ID: m.ID, Clients: len(to)}); err != nil {
		return
	}
	id := n.nsp.Ids()
	err := n.ask(m.event(n.nsp.Name(), &id), m.Volatile, to, m.window(), func(args []any) {
		h.reply(node, kindAck, m.ID, args)
	})
	if err != nil {
		h.complain("clients were not asked", err)
	}
}

// reply sends values that answer a request. If that fails, the other end misses the answer and its time-out reports that.
func (h *Hub) reply(node string, k kind, id uint64, values []any) {
	args, err := marshalArgs(values)
	if err != nil {
		h.busUnsent.Add(1)
		h.complain("answer cannot be encoded", err)
		return
	}
	_ = h.tell(node, &message{Kind: k, ID: id, Args: json.RawMessage(args), Last: true})
}

// answerOnce makes the callback of a packet for one client run once, however often the client answers: the library looks
// the callback up and removes it in two steps.
func (n *namespace) answerOnce(id uint64, to []*member) {
	for _, m := range to {
		callback, ok := m.socket.Acks().Load(id)
		if !ok {
			continue
		}
		var once atomic.Bool
		m.socket.Acks().Store(id, func(args []any, err error) {
			if once.CompareAndSwap(false, true) {
				n.hub.protect("acknowledgement callback", func() { callback(args, err) })
			}
		})
	}
}
