package room

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"scalable-chat/server/internal/adapter"
	"scalable-chat/server/internal/chat"
	"scalable-chat/server/internal/pace"
)

const (
	// peopleAge is how old an answer about a small room may be. In a large room it may be older by a second for each
	// peoplePerSecond people, up to peopleOldest.
	peopleAge       = time.Second
	peoplePerSecond = 10_000
	// peopleOldest is how old an answer may be that is given instead of one for which the nodes would have to be asked.
	peopleOldest = 10 * time.Second
	// peopleWait is how long other nodes are waited for.
	peopleWait = 2 * time.Second
	// answerRate is how many answers of other nodes this node asks for in a second, in all rooms together.
	answerRate = 200
	// countShare is the inverse of the share of time in which a node counts the people of one room for the others.
	countShare = 100
)

var answers = pace.NewRate(answerRate, answerRate)

// hub is what a directory needs of the hub.
type hub interface {
	Each(namespace string, fn func(adapter.Client))
	Others() int
	Query(namespace string, timeout time.Duration, take func(json.RawMessage) bool) error
}

var _ hub = (*adapter.Hub)(nil)

// Directory knows who is in which room. There is one for all rooms of a node. It looks when it is asked, so a room of whose
// people nobody asks costs nothing, and it remembers answers for some seconds, so a room costs the same however many ask. Its
// methods may be called from any goroutine.
type Directory struct {
	hub   hub
	epoch time.Time
	whole memo // of all nodes
	own   memo // of this node

	mu    sync.Mutex
	level pace.Level // of answers that may be asked for
}

// NewDirectory makes the directory of a node.
func NewDirectory(h *adapter.Hub) *Directory { return newDirectory(h) }

func newDirectory(h hub) *Directory { return &Directory{hub: h, epoch: time.Now()} }

// People returns who is in the room of a namespace, on all nodes; this node need not have it. A user is counted and named once,
// whatever the number of sockets; one whom several nodes have, but not all name, is counted more than once. At most
// [chat.MaxPeople] are named: the first in the order of those who have a name of a token, those who have a name, and the others,
// by name and id. A node that does not answer within two seconds is left out. The answer may be a second old, in large rooms and under
// load ten seconds; while this node has asked too much, it may have the people of this node alone. The only error is that of ctx.
// The caller must not change the result.
func (d *Directory) People(ctx context.Context, namespace string) (chat.People, error) {
	return d.whole.get(ctx, namespace, func(last known) known { return d.ask(namespace, last) })
}

// Answer is the [adapter.Options.Answer] of the node.
func (d *Directory) Answer(namespace string) []byte {
	return encodePeople(d.local(namespace))
}

// ask finds out who is in a room. last is the answer before.
func (d *Directory) ask(namespace string, last known) known {
	if others := d.hub.Others(); others > 0 && !d.mayAsk(others) {
		if !last.at.IsZero() && time.Since(last.at) < peopleOldest {
			return known{people: last.people, at: last.at, keep: peopleAge}
		}
		return known{people: d.local(namespace), keep: peopleAge}
	}
	var all union
	_ = d.hub.Query(namespace, peopleWait, func(answer json.RawMessage) bool { // a node that does not answer is left out
		people, ok := decodePeople(answer)
		if ok {
			all.add(people)
		}
		return ok
	})
	all.add(d.local(namespace))
	people := all.people()
	age := peopleAge + time.Duration(people.Total)*time.Second/peoplePerSecond
	return known{people: people, at: time.Now(), keep: min(age, peopleOldest)}
}

// mayAsk takes the right to ask other nodes. A question to many of them delays later ones for longer.
func (d *Directory) mayAsk(others int) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Since(d.epoch)
	if !d.level.Take(answers, now) {
		return false
	}
	d.level.ReserveN(answers, now, others-1)
	return true
}

// local returns who is in a room on this node. Those of a large room are remembered for a while: the time that counting takes
// depends on their number, and the questions of all other nodes depend on it.
func (d *Directory) local(namespace string) chat.People {
	people, _ := d.own.get(context.Background(), namespace, func(known) known {
		start := time.Now()
		people := d.count(namespace)
		return known{people: people, at: start, keep: min(countShare*time.Since(start), peopleOldest)}
	})
	return people
}

func (d *Directory) count(namespace string) chat.People {
	seen := map[string]struct{}{}
	var best selection
	d.hub.Each(namespace, func(c adapter.Client) {
		if c, ok := c.(client); ok {
			one := c.person()
			seen[one.ID] = struct{}{}
			best.add(one)
		}
	})
	return chat.People{Total: len(seen), People: best.people()}
}

// person is the user of a client as others see it.
func (c client) person() chat.Person {
	name, verified := c.rules.Name()
	return chat.Person{ID: c.rules.Identity().ID, Name: name, Verified: verified}
}
