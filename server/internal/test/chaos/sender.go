package chaos

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"scalable-chat/server/internal/test/siotest"
)

// sender sends one message after another and retries each, with the same id, until it is acked.
type sender struct {
	name   string
	client *siotest.Client
	window chan struct{} // bounds the messages that are not acked yet
	rate   float64
	rnd    *rand.Rand
	life   context.Context // ends when the test gives up
	give   context.CancelFunc
	tasks  sync.WaitGroup

	mu     sync.Mutex
	said   []utterance // by number
	acked  int
	errors []string // answers that a well-behaved sender must not get
}

// utterance is the outcome of one message.
type utterance struct {
	acked       bool
	repeated    bool // sent more than once
	unavailable int
}

func newSender(name string, client *siotest.Client, window int, rate float64, seed uint64) *sender {
	s := &sender{
		name: name, client: client, window: make(chan struct{}, window), rate: rate,
		rnd: rand.New(rand.NewPCG(seed, 2)),
	}
	s.life, s.give = context.WithCancel(context.Background())
	return s
}

// talk continues until ctx ends, says one last message, and returns when every message is acked.
func (s *sender) talk(ctx context.Context) {
	defer s.tasks.Wait()
	for ctx.Err() == nil {
		s.pause(ctx)
		s.say()
	}
	s.say()
}

// abandon ends the talk although some messages are not acked.
func (s *sender) abandon() { s.give() }

func (s *sender) pause(ctx context.Context) {
	timer := time.NewTimer(time.Duration(2 * s.rnd.Float64() / s.rate * float64(time.Second)))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// say sends the next message, once the window allows it, and does not wait for its ack.
func (s *sender) say() {
	select {
	case s.window <- struct{}{}:
	case <-s.life.Done():
		return
	}
	s.mu.Lock()
	n := len(s.said)
	s.said = append(s.said, utterance{})
	s.mu.Unlock()
	done := func(ack json.RawMessage, err error) {
		if s.answered(n, ack, err) {
			<-s.window
			return
		}
		s.tasks.Go(func() { s.insist(n) })
	}
	s.tasks.Add(1) // until the answer, which may begin another task
	finish := func(ack json.RawMessage, err error) { done(ack, err); s.tasks.Done() }
	for !s.client.Emit(finish, "event:message", s.message(n)) {
		if s.client.Wait(s.life, func(st siotest.State) bool { return st.Connected }) != nil {
			s.tasks.Done()
			return
		}
	}
}

// insist retries a message until it is acked.
func (s *sender) insist(n int) {
	defer func() { <-s.window }()
	s.mu.Lock()
	s.said[n].repeated = true
	s.mu.Unlock()
	for s.life.Err() == nil {
		ack, err := s.client.Call(s.life, "event:message", s.message(n))
		if s.answered(n, ack, err) {
			return
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-s.life.Done():
		}
	}
}

func (s *sender) message(n int) map[string]string {
	id := messageID(s.name, n)
	return map[string]string{"message": textOf(id), "username": s.name, "id": id}
}

// textOf is the text of a message. Some are long, with every character that needs an escape.
func textOf(id string) string {
	text := "text of " + id
	if strings.HasSuffix(id, "7") {
		text += strings.Repeat(" \"é\\<😀\n", 300)
	}
	return text
}

func messageID(sender string, n int) string { return fmt.Sprintf("%s-%d", sender, n) }

// answered notes an answer and reports whether the message is done.
func (s *sender) answered(n int, ack json.RawMessage, err error) bool {
	if err != nil {
		return false // lost with the connection
	}
	var answer struct {
		Status, ID, Code string
		At               int64
	}
	_ = json.Unmarshal(ack, &answer)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case answer.Status == "ok" && answer.ID == messageID(s.name, n) && answer.At > 0:
		s.said[n].acked = true
		s.acked++
		return true
	case answer.Code == "unavailable":
		s.said[n].unavailable++
		return false
	default:
		s.errors = append(s.errors, fmt.Sprintf("%s: answer %s", messageID(s.name, n), ack))
		return true
	}
}

func (s *sender) ackedCount() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.acked
}
