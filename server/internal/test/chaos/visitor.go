package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"scalable-chat/server/internal/test/siotest"
)

const (
	// maxPresent is in how many rooms a visitor is at a time.
	maxPresent = 3
	// meanStay is the mean time between two moves of a visitor.
	meanStay = 500 * time.Millisecond
)

// visitor goes from room to room over one connection, and talks wherever it is. It is in the global room too, and says
// nothing there.
type visitor struct {
	name    string
	home    *siotest.Client
	rooms   []*room
	rnd     *rand.Rand
	rate    float64
	present []*visit
	visits  int
}

// visit is the stay of a visitor in a room, from CONNECT to DISCONNECT, or to the end of the test.
type visit struct {
	room   *room
	client *siotest.Client
	sender *sender
	hush   context.CancelFunc
	hushed chan struct{} // closed when everything is acked
	left   bool          // by then the visitor is done
}

// roam continues until ctx ends, and returns when everything that the visitor said is acked, or life has ended.
func (v *visitor) roam(ctx, life context.Context) {
	defer func() {
		for _, visit := range v.present {
			visit.finish()
		}
	}()
	for v.pause(ctx) {
		if n := len(v.present); n == 0 || n < maxPresent && v.rnd.IntN(2) == 0 {
			v.enter(life)
		} else {
			v.leave(life)
		}
	}
}

// pause reports whether the visitor is to go on.
func (v *visitor) pause(ctx context.Context) bool {
	select {
	case <-time.After(time.Duration(v.rnd.ExpFloat64() * float64(meanStay))):
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// enter connects to a room at random and begins to talk there.
func (v *visitor) enter(life context.Context) {
	target := v.rooms[v.rnd.IntN(len(v.rooms))]
	for _, visit := range v.present {
		if visit.room == target {
			return
		}
	}
	client := v.home.Beside(target.namespace())
	name := fmt.Sprintf("%sx%d", v.name, v.visits)
	v.visits++
	visit := &visit{
		room: target, client: client, hushed: make(chan struct{}),
		sender: newSender(name, client, 1+3*v.rnd.IntN(2), v.rate, v.rnd.Uint64()),
	}
	context.AfterFunc(life, visit.sender.abandon)
	target.add(visit)
	v.present = append(v.present, visit)
	if client.Wait(life, func(s siotest.State) bool { return s.Joined }) != nil {
		close(visit.hushed)
		visit.hush = func() {}
		return
	}
	ctx, hush := context.WithCancel(context.Background())
	visit.hush = hush
	go func() {
		defer close(visit.hushed)
		visit.sender.talk(ctx)
	}()
}

// leave ends the oldest visit, once everything is acked.
func (v *visitor) leave(life context.Context) {
	oldest := v.present[0]
	oldest.finish()
	if life.Err() != nil {
		return
	}
	v.present = v.present[1:]
	oldest.client.Leave()
	oldest.left = true
}

// finish ends the talk of a visit and waits until everything is acked.
func (v *visit) finish() {
	v.hush()
	<-v.hushed
}
