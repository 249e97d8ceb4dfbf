package chat

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"scalable-chat/server/internal/auth"
	"scalable-chat/server/internal/test/assert"
)

// crowd makes sockets on connections of their own, at an address.
func crowd(s *Service, address string, users ...auth.Identity) []*Client {
	all := make([]*Client, len(users))
	for i, who := range users {
		all[i] = s.NewClient(s.NewConnection(netip.MustParsePrefix(address)), fmt.Sprint("s", i), auth.Fixed(who), nil)
	}
	return all
}

// guests are different guests.
func guests(n int) []auth.Identity {
	all := make([]auth.Identity, n)
	for i := range all {
		all[i] = auth.Identity{ID: fmt.Sprint("~", i), Guest: true}
	}
	return all
}

// same is one user several times.
func same(n int, who auth.Identity) []auth.Identity {
	all := make([]auth.Identity, n)
	for i := range all {
		all[i] = who
	}
	return all
}

// together is how long it takes until each of the clients has sent so many messages.
func together(t *testing.T, s *Service, clients []*Client, each int) time.Duration {
	return elapsed(func() {
		var all sync.WaitGroup
		for _, c := range clients {
			all.Go(func() {
				for range each {
					s.Message(t.Context(), c, object(`{"message":"m","username":"u"}`), nil)
				}
			})
		}
		all.Wait()
	})
}

const (
	public  = "203.0.113.1/32"
	private = "10.0.0.1/32"
)

func TestP11_TheRateOfAUserHoldsOverItsConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limits := Limits{MessageRate: 50, MessageBurst: 100}
		for _, who := range []auth.Identity{ada, {ID: "~a", Guest: true}} {
			s := New(Options{Limits: limits, Record: &desk{}})
			clients := crowd(s, private, same(10, who)...)
			assert.Equal(t, "the burst", together(t, s, clients, 10), 0)
			assert.Equal(t, "100 more", together(t, s, clients, 10), 2*time.Second)
		}
		s := New(Options{Limits: limits, Record: &desk{}})
		assert.Equal(t, "ten users", together(t, s, crowd(s, private, guests(10)...), 100), 0)
	})
}

func TestLIM15_TheRateOfAUserHoldsOverRooms(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limits := Limits{MessageRate: 10, MessageBurst: 10}
		rates := NewRates(limits)
		took := time.Duration(0)
		for _, room := range []string{"cats", "dogs", "owls"} {
			s := New(Options{Room: room, Limits: limits, Rates: rates, Record: &desk{}})
			took += together(t, s, crowd(s, private, ada), 10)
		}
		assert.Equal(t, "30 events, 10 of them at once", took, 2*time.Second)
	})
}

func TestP11_NewGuestsOfAnAddressAreNoWayAroundARate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limits := Limits{MessageRate: 50, MessageBurst: 200, AddressRate: 100}
		s := New(Options{Limits: limits, Record: &desk{}})
		assert.Equal(t, "the burst", together(t, s, crowd(s, public, guests(400)...), 1), 0)
		assert.Equal(t, "another 100 guests", together(t, s, crowd(s, public, guests(100)...), 1), time.Second)
		assert.Equal(t, "another address", together(t, s, crowd(s, "203.0.113.2/32", guests(400)...), 1), 0)
		assert.Equal(t, "users with a token", together(t, s, crowd(s, public, ada), 200), 0)
		for _, proxy := range []string{private, "127.0.0.1/32", "100.64.1.1/32", "fd00::/64"} {
			assert.Equal(t, proxy, together(t, s, crowd(s, proxy, guests(1000)...), 1), 0)
		}
		limits.AddressRate = 0
		s = New(Options{Limits: limits, Record: &desk{}})
		assert.Equal(t, "without that limit", together(t, s, crowd(s, public, guests(1000)...), 1), 0)
	})
}

// TestLIM16_EventsThatNeverComeDelayNobody: a client that leaves while its events wait cannot make others wait for them.
func TestLIM16_EventsThatNeverComeDelayNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{Limits: Limits{AddressRate: 1}, Record: &desk{}})
		together(t, s, crowd(s, public, guests(4)...), 1)
		ctx, leave := context.WithCancel(t.Context())
		var waiting sync.WaitGroup
		for _, c := range crowd(s, public, guests(100)...) {
			waiting.Go(func() { s.Unknown(ctx, c) })
		}
		synctest.Wait()
		leave()
		waiting.Wait()
		assert.Equal(t, "the next one", together(t, s, crowd(s, public, guests(1)...), 1), time.Second)
	})
}

// TestLIM16_WhatAClientSaidLastCounts: unless it would have to wait for long.
func TestLIM16_WhatAClientSaidLastCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &desk{}
		s := New(Options{Limits: Limits{AddressRate: 4}, Record: d})
		together(t, s, crowd(s, public, guests(16)...), 1)
		d.queue = nil
		clients := crowd(s, public, guests(20)...)
		var waiting sync.WaitGroup
		for _, c := range clients {
			waiting.Go(func() { s.Message(t.Context(), c, object(`{"message":"last","username":"u"}`), nil) })
		}
		synctest.Wait()
		for _, c := range clients {
			c.Left()
		}
		assert.Equal(t, "those who are next, within a second", elapsed(waiting.Wait), time.Second)
		assert.Equal(t, "heard", len(d.queue), 4)
		for range 100 {
			s.rates.addresses.Reserve(netip.MustParsePrefix(public), s.rates.now())
		}
		a := &acks{}
		assert.Equal(t, "who has left does not wait for more", elapsed(func() {
			s.Message(t.Context(), clients[0], object(`{"message":"late","username":"u"}`), a.add)
		}), 0)
		assert.Equal(t, "given up", a.code(t), string(Unavailable))
	})
}

func TestHIS5_AUserMayAskAsOftenAsFiveConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &desk{}
		s := New(Options{Record: d, Archive: d})
		answered := func() (n int) {
			for _, c := range crowd(s, private, same(20, ada)...) {
				for range RequestBurst {
					a := &acks{}
					s.History(t.Context(), c, object(`{}`), a.add)
					n += map[string]int{"ok": 1}[a.code(t)]
				}
			}
			return n
		}
		assert.Equal(t, "at once", answered(), 50)
		time.Sleep(time.Second)
		assert.Equal(t, "a second later", answered(), 10)
	})
}

// unreached are rates at which a benchmark never waits, although no bucket is ever full.
var unreached = Limits{MessageRate: 1000, MessageBurst: 1 << 30, AddressRate: 1 << 20}

// BenchmarkPace is what all rates together cost an event.
func BenchmarkPace(b *testing.B) {
	s := New(Options{Limits: unreached, Record: &desk{}})
	clients := crowd(s, public, guests(1000)...)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		clients[i%len(clients)].reserve()
	}
}

// BenchmarkMessage is everything that the rules do for a message.
func BenchmarkMessage(b *testing.B) {
	s := New(Options{Limits: unreached, Record: nowhere{}})
	clients, said := crowd(s, public, guests(1000)...), object(`{"message":"The quick brown fox.","username":"ada","id":"tab7-1"}`)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		s.Message(b.Context(), clients[i%len(clients)], said, nil)
	}
}

// nowhere is a record that keeps nothing.
type nowhere struct{}

func (nowhere) Append(_ context.Context, _ string, _ []byte, done func(Position, error)) error {
	done(Position{Ms: stamp}, nil)
	return nil
}
