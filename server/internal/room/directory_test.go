package room

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"scalable-chat/server/internal/adapter"
	"scalable-chat/server/internal/auth"
	"scalable-chat/server/internal/chat"
	"scalable-chat/server/internal/test/assert"
)

// crowd is a hub whose node has clients; each other node has the same answer.
type crowd struct {
	mu      sync.Mutex
	clients []adapter.Client
	others  int
	answer  []byte
	queries atomic.Int64
	counts  atomic.Int64
	spent   []time.Duration // by each count
	hold    chan struct{}   // queries end when it is closed; nil: at once
}

func (c *crowd) Each(_ string, fn func(adapter.Client)) {
	c.counts.Add(1)
	c.mu.Lock()
	defer c.mu.Unlock()
	start := time.Now()
	for _, one := range c.clients {
		fn(one)
	}
	c.spent = append(c.spent, time.Since(start))
}

func (c *crowd) Others() int { return c.others }

func (c *crowd) Query(_ string, _ time.Duration, take func(json.RawMessage) bool) error {
	c.queries.Add(1)
	if c.hold != nil {
		<-c.hold
	}
	for range c.others {
		take(c.answer)
	}
	return nil
}

// enter adds a client of a user, with the username of its CONNECT.
func (c *crowd) enter(who auth.Identity, username string) {
	rules := chat.New(chat.Options{})
	speaker := auth.Fixed(who)
	handshake := map[string]any{"username": username}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clients = append(c.clients, client{rules: rules.NewClient(nil, "sid", speaker, handshake)})
}

func (c *crowd) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clients = c.clients[1:]
}

func lookUp(t *testing.T, d *Directory, namespace string) chat.People {
	t.Helper()
	people, err := d.People(t.Context(), namespace)
	assert.NoError(t, err)
	return people
}

func TestPRE4_AUserWithThreeSocketsIsOnePerson(t *testing.T) {
	c := &crowd{}
	for _, username := range []string{"", "ada", ""} {
		c.enter(auth.Identity{ID: "~1", Guest: true}, username)
	}
	c.enter(auth.Identity{ID: "u1", Name: "Bob", Verified: true}, "somebody else")
	assert.Equal(t, "people", lookUp(t, newDirectory(c), "/"), chat.People{Total: 2, People: []chat.Person{
		{ID: "u1", Name: "Bob", Verified: true}, {ID: "~1", Name: "ada"},
	}})
}

func TestPRE7_TheAnswerIsAtMostASecondOld(t *testing.T) {
	c := &crowd{}
	c.enter(auth.Identity{ID: "~1"}, "ada")
	d, start := newDirectory(c), time.Now()
	assert.Equal(t, "people", lookUp(t, d, "/").Total, 1)
	c.leave()
	assert.Eventually(t, "noticed", func() bool { return lookUp(t, d, "/").Total == 0 })
	took := time.Since(start)
	if took < peopleAge {
		t.Errorf("the answer was not remembered: %v", took)
	}
	if counts := c.counts.Load(); counts > 1+int64(took/peopleAge) {
		t.Errorf("counted %d times within %v", counts, took)
	}
}

func TestP6_OneQuestionServesAllWhoAskMeanwhile(t *testing.T) {
	c := &crowd{others: 2, answer: encodePeople(chat.People{Total: 1, People: []chat.Person{person(7)}}), hold: make(chan struct{})}
	d := newDirectory(c)
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			people, err := d.People(context.Background(), "/")
			if err != nil || people.Total != 1 || len(people.People) != 1 {
				t.Errorf("%+v, %v", people, err)
			}
		})
	}
	assert.Eventually(t, "asked", func() bool { return c.queries.Load() == 1 })
	hurried, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := d.People(hurried, "/")
	assert.Equal(t, "error of one who does not wait", err, context.Canceled)
	close(c.hold)
	all.Wait()
	assert.Equal(t, "questions", c.queries.Load(), 1)
}

func TestP6_QuestionsToOtherNodesAreBoundedOverAllRooms(t *testing.T) {
	const others, rooms = 10, 2000
	c := &crowd{others: others, answer: encodePeople(chat.People{Total: 1, People: []chat.Person{person(7)}})}
	c.enter(auth.Identity{ID: "~1"}, "ada")
	d := newDirectory(c)
	start, alone := time.Now(), 0
	for i := range rooms {
		if lookUp(t, d, fmt.Sprint("/rooms/", i)).Total == 1 {
			alone++ // the people of this node only
		}
	}
	allowed := int64(answerRate*(1+time.Since(start).Seconds()))/others + 2
	if asked := c.queries.Load(); asked > allowed || asked < answerRate/others || rooms-alone != int(asked) {
		t.Errorf("%d questions, %d allowed, %d answers of this node alone", asked, allowed, alone)
	}
	if kept := len(d.whole.young) + len(d.whole.old); kept > 2*memoSize {
		t.Errorf("%d answers are remembered", kept)
	}
}

func TestP6_WhoAsksTooMuchGetsTheLastAnswer(t *testing.T) {
	c := &crowd{others: 1, answer: encodePeople(chat.People{Total: 1, People: []chat.Person{person(7)}})}
	d := newDirectory(c)
	assert.Equal(t, "people", lookUp(t, d, "/").Total, 1)
	d.level = 1 << 40 // the rate is used up
	got := d.ask("/", d.whole.young["/"].known)
	assert.Equal(t, "the last answer", got.people.Total, 1)
	old := d.whole.young["/"].known
	old.at = old.at.Add(-peopleOldest)
	assert.Equal(t, "when it is too old", d.ask("/", old).people.Total, 0)
	assert.Equal(t, "questions", c.queries.Load(), 1)
}

func TestP6_CountingALargeRoomTakesLittleOfTheTime(t *testing.T) {
	const members = 20_000
	c := &crowd{}
	for i := range members {
		c.enter(auth.Identity{ID: fmt.Sprint("~", i)}, fmt.Sprint("name ", i))
	}
	d := newDirectory(c)
	start := time.Now()
	for range 100 {
		if answer, ok := decodePeople(d.Answer("/")); !ok || answer.Total != members || len(answer.People) != chat.MaxPeople {
			t.Fatalf("answered %d people, %d of them named", answer.Total, len(answer.People))
		}
	}
	var spent time.Duration
	for _, one := range c.spent[:len(c.spent)-1] { // the newest count is still good
		spent += one
	}
	if took := time.Since(start); spent > took/countShare {
		t.Errorf("counted for %v within %v", spent, took)
	}
}

func TestARoomWithoutADirectoryCannotTell(t *testing.T) {
	r, _ := newRoom(t)
	_, err := r.People(t.Context())
	assert.Equal(t, "error", err, errNoDirectory)
}

func BenchmarkCountPeople(b *testing.B) {
	c := &crowd{}
	for i := range 100_000 {
		c.enter(auth.Identity{ID: fmt.Sprint("~", i)}, fmt.Sprint("name ", i))
	}
	d := newDirectory(c)
	b.ReportAllocs()
	for b.Loop() {
		d.count("/")
	}
}
