package app

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"scalable-chat/server/internal/chat"
	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/test/redistest"
	"scalable-chat/server/internal/test/siotest"
)

// peopleOf asks who is in a client's room.
func peopleOf(t *testing.T, c *siotest.Client) (people chat.People) {
	t.Helper()
	answer, err := c.Call(t.Context(), "people")
	assert.NoError(t, err)
	assert.NoError(t, json.Unmarshal(answer, &people))
	return people
}

// names are those of an answer, behind the number of all.
func names(p chat.People) string {
	text := fmt.Sprint(p.Total)
	for _, one := range p.People {
		if text += " " + one.Name; one.Verified {
			text += "!"
		}
	}
	return text
}

// seesPeople waits until a client is told these people. It asks as often as it may.
func seesPeople(t *testing.T, c *siotest.Client, want string) {
	t.Helper()
	got := ""
	defer func() {
		if t.Failed() {
			t.Logf("last told: %s; want: %s", got, want)
		}
	}()
	assert.Eventually(t, "told of the people", func() bool {
		got = names(peopleOf(t, c))
		if got != want {
			time.Sleep(time.Second / chat.RequestRate) // nothing tells when the people change
		}
		return got == want
	})
}

// named are the options of a client that names itself when it connects.
func named(name string) siotest.Options {
	return siotest.Options{Transport: siotest.WebSocket, Auth: map[string]any{"username": name}}
}

// signed are the options of a client with a token.
func signed(t *testing.T, id, name string) siotest.Options {
	t.Helper()
	token := tokenFor(t, id, time.Hour, fmt.Sprintf(`,"name":%q`, name))
	return siotest.Options{Transport: siotest.WebSocket, Auth: map[string]any{"token": token, "username": "not " + name}}
}

// sayNamed sends a message under a name.
func sayNamed(t *testing.T, c *siotest.Client, name string) {
	t.Helper()
	_, err := c.Call(t.Context(), "event:message", map[string]any{"message": "m", "username": name})
	assert.NoError(t, err)
}

// TestP11_WhoIsHereIsToldByTheServer: a name that somebody types never looks like one of a token.
func TestP11_WhoIsHereIsToldByTheServer(t *testing.T) {
	a := start(t, withTokens...)
	ada := open(t, a.url(), named("  ada\u200b "))
	seesPeople(t, ada, "1 ada")
	open(t, a.url(), named("two\nlines")) // not a name
	bob := open(t, a.url(), signed(t, "u1", "Bob"))
	seesPeople(t, ada, "3 Bob! ada anonymous")

	sayNamed(t, ada, "Bob") // in another place
	sayNamed(t, bob, "Carol")
	seesPeople(t, ada, "3 Bob! Bob anonymous")
	people := peopleOf(t, bob).People
	assert.Equal(t, "first", people[0], chat.Person{ID: "u1", Name: "Bob", Verified: true})
	if people[1].ID == "u1" {
		t.Errorf("a guest has the id of a user: %+v", people)
	}
}

// TestPRE4_ThreeTabsOfAGuestAreOnePerson: until the last of them is closed.
func TestPRE4_ThreeTabsOfAGuestAreOnePerson(t *testing.T) {
	a := start(t)
	watcher := open(t, a.url(), named("watcher"))
	tabs := []*siotest.Client{open(t, a.url(), siotest.Options{Transport: siotest.WebSocket})}
	for range 2 {
		tabs = append(tabs, open(t, a.url(), siotest.Options{Transport: siotest.WebSocket, Auth: tokenOf(tabs[0])}))
	}
	seesPeople(t, watcher, "2 watcher anonymous")
	sayNamed(t, tabs[1], "guest")
	seesPeople(t, watcher, "2 guest watcher")
	tabs[1].Close()
	seesPeople(t, watcher, "2 watcher anonymous")
	tabs[0].Close()
	tabs[2].Close()
	seesPeople(t, watcher, "1 watcher")
}

// nodesOfOneRedis starts nodes that hear each other.
func nodesOfOneRedis(t *testing.T, n int, flags ...string) []*App {
	t.Helper()
	flags = append(slices.Clone(flags), "--redis-url="+redistest.Start(t).URL())
	var all []*App
	for range n {
		all = append(all, start(t, flags...))
	}
	for _, a := range all {
		assert.Eventually(t, "a node knows the others", func() bool { return a.parts.nodes() == n })
	}
	return all
}

// TestPRE6_EveryNodeTellsTheSamePeople: also one that has nobody in the room, and one whose colleague has died.
func TestPRE6_EveryNodeTellsTheSamePeople(t *testing.T) {
	all := nodesOfOneRedis(t, 3, withTokens...)
	a, b, c := all[0], all[1], all[2]
	for _, namespace := range []string{"/", "/rooms/cats"} {
		in := func(node *App, o siotest.Options) *siotest.Client {
			o.Namespace = namespace
			return open(t, node.url(), o)
		}
		ada, bob := in(a, named("ada")), in(b, signed(t, "u1", "Bob"))
		in(c, signed(t, "u1", "Bob"))
		carol := in(c, named("carol"))
		for _, client := range []*siotest.Client{ada, bob, carol} {
			seesPeople(t, client, "3 Bob! ada carol")
		}
		assert.Equal(t, "answers of two nodes", peopleOf(t, ada), peopleOf(t, carol))
	}
	people, err := c.directory.People(t.Context(), "/rooms/dogs")
	assert.NoError(t, err)
	assert.Equal(t, "nobody", people, chat.People{People: []chat.Person{}})

	watcher := inRoom(t, a.url(), "cats", siotest.WebSocket)
	c.clustered().client.Close() // as after kill -9
	died := time.Now()
	seesPeople(t, watcher, "3 Bob! ada anonymous")
	if took := time.Since(died); took > 8*time.Second {
		t.Errorf("the dead node was waited for too long: %v", took)
	}
}

// TestPRE4_OfManyPeopleAHundredAreNamed: on two nodes, so that each names half of them.
func TestPRE4_OfManyPeopleAHundredAreNamed(t *testing.T) {
	const guests = 300
	all := nodesOfOneRedis(t, 2)
	inLanes(guests, 8, func(i int) {
		r, err := dial(all[i%2].Addr())
		if err == nil {
			t.Cleanup(r.close)
			_, err = r.connect(fmt.Sprintf(`{"username":"guest %03d"}`, i))
		}
		if err != nil {
			t.Error(err)
		}
	})
	want := fmt.Sprint(guests + 1)
	for i := range chat.MaxPeople {
		want += fmt.Sprintf(" guest %03d", i)
	}
	for _, a := range all {
		c := open(t, a.url(), named("watcher"))
		seesPeople(t, c, want)
		sound(t, c)
		c.Close()
	}
}

// TestP6_AFloodOfRequestsForPeopleCostsOneQuestionASecond: whoever asks, as fast as the rates allow.
func TestP6_AFloodOfRequestsForPeopleCostsOneQuestionASecond(t *testing.T) {
	const clients = 20
	all := nodesOfOneRedis(t, 3)
	var asking []*siotest.Client
	for range clients {
		asking = append(asking, open(t, all[0].url(), siotest.Options{Transport: siotest.WebSocket}))
	}
	seesPeople(t, asking[0], fmt.Sprint(clients)+strings.Repeat(" "+chat.Anonymous, clients))
	questions, answers := all[1].clustered().bus.Stats().Received, all[0].clustered().bus.Stats().Received
	var flood sync.WaitGroup
	begun := time.Now()
	for _, c := range asking[1:] {
		flood.Go(func() {
			for range chat.RequestBurst {
				if p := peopleOf(t, c); p.Total != clients || len(p.People) != clients {
					t.Errorf("%d people, %d of them named", p.Total, len(p.People))
				}
			}
		})
	}
	flood.Wait()
	allowed := uint64(time.Since(begun)/time.Second) + 2
	if asked := all[1].clustered().bus.Stats().Received - questions; asked > allowed {
		t.Errorf("%d questions within %v", asked, time.Since(begun))
	}
	if got := all[0].clustered().bus.Stats().Received - answers; got > 2*allowed {
		t.Errorf("%d answers within %v", got, time.Since(begun))
	}
}
