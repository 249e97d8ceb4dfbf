package room

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"scalable-chat/server/internal/chat"
)

const (
	// peopleBytes bounds the people of an answer, as JSON, so that it fits the queue of private frames.
	peopleBytes = 48 << 10
	// mostPeople bounds the number of people that another node may claim to have.
	mostPeople = 1 << 30
)

var errNoDirectory = errors.New("no directory of people")

// People returns who is in the room, on all nodes; see [Directory.People].
func (r *Room) People(ctx context.Context) (chat.People, error) {
	if r.opts.Directory == nil {
		return chat.People{}, errNoDirectory
	}
	return r.opts.Directory.People(ctx, r.opts.Namespace)
}

// order is the order of people in an answer. It is total, so that all nodes make the same selection.
func order(a, b chat.Person) int {
	return cmp.Or(
		cmp.Compare(rank(a), rank(b)), strings.Compare(a.Name, b.Name), strings.Compare(a.ID, b.ID),
	)
}

func rank(p chat.Person) int {
	switch {
	case p.Verified:
		return 0
	case p.Name != chat.Anonymous:
		return 1
	default:
		return 2
	}
}

// selection finds the first [chat.MaxPeople] of many, each once. It holds at most twice as many, and most people beyond the
// first cost one comparison. The zero selection is empty.
type selection struct {
	found []chat.Person
	full  bool        // found begins with that many, sorted; whoever comes after last is not selected
	last  chat.Person // of those
}

func (s *selection) add(p chat.Person) {
	if s.full && order(p, s.last) >= 0 {
		return
	}
	if s.found = append(s.found, p); len(s.found) == 2*chat.MaxPeople {
		s.cut()
	}
}

// cut leaves the first. Who is there under several names keeps the first of them.
func (s *selection) cut() {
	slices.SortFunc(s.found, order)
	seen := make(map[string]struct{}, len(s.found))
	s.found = slices.DeleteFunc(s.found, func(p chat.Person) bool {
		_, twice := seen[p.ID]
		seen[p.ID] = struct{}{}
		return twice
	})
	if len(s.found) >= chat.MaxPeople {
		s.found = s.found[:chat.MaxPeople]
		s.full, s.last = true, s.found[chat.MaxPeople-1]
	}
}

// people returns the selected in their order, fewer if they would not fit into an answer. It is never nil.
func (s *selection) people() []chat.Person {
	s.cut()
	chosen, size := make([]chat.Person, 0, len(s.found)), 0
	for _, p := range s.found {
		text, _ := json.Marshal(p) // strings always encode
		if size += len(text) + len(","); size > peopleBytes {
			break
		}
		chosen = append(chosen, p)
	}
	return chosen
}

// union puts together who is in a room on several nodes.
type union struct {
	total int
	named map[string]struct{}
	best  selection
}

func (u *union) add(part chat.People) {
	if u.named == nil {
		u.named = map[string]struct{}{}
	}
	u.total += part.Total
	for _, p := range part.People {
		if _, twice := u.named[p.ID]; twice {
			u.total--
		}
		u.named[p.ID] = struct{}{}
		u.best.add(p)
	}
}

func (u *union) people() chat.People { return chat.People{Total: u.total, People: u.best.people()} }

// encodePeople makes the answer for another node.
func encodePeople(people chat.People) []byte {
	text, _ := json.Marshal([]chat.People{people}) // strings and numbers always encode
	return text
}

// decodePeople reads the answer of another node; false: it makes no sense. A node that has nothing to say has nobody.
func decodePeople(answer json.RawMessage) (chat.People, bool) {
	var one []chat.People
	if json.Unmarshal(answer, &one) != nil || len(one) > 1 {
		return chat.People{}, false
	}
	if len(one) == 0 {
		return chat.People{}, true
	}
	people := one[0]
	seen := map[string]struct{}{}
	for _, p := range people.People {
		seen[p.ID] = struct{}{}
		if p.ID == "" || p.Name == "" {
			return chat.People{}, false
		}
	}
	distinct := len(seen) == len(people.People)
	return people, distinct && len(seen) <= min(chat.MaxPeople, people.Total) && people.Total <= mostPeople
}
