package chat

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"scalable-chat/server/internal/auth"
	"scalable-chat/server/internal/test/assert"
)

// issuer signs for whom a token names: "id" or "id expiry", with the name and the rights that the test says.
type issuer struct {
	name  string
	rooms auth.Rights
	away  error
}

func (i *issuer) Authenticate(ctx context.Context, c auth.Connect) (auth.Identity, error) {
	if i.away != nil {
		<-ctx.Done()
		return auth.Identity{}, i.away
	}
	token, _ := c.Payload.(map[string]any)["token"].(string)
	id, expiry, _ := strings.Cut(token, " ")
	who := auth.Identity{ID: id, Name: i.name, Verified: i.name != "", Rooms: i.rooms}
	if seconds, err := strconv.ParseInt(expiry, 10, 64); err == nil {
		who.Expires = time.Unix(seconds, 0)
	}
	return who, nil
}

// alone is a connection that is in no namespace yet.
type alone struct{}

func (alone) Speakers() iter.Seq2[string, *auth.Speaker] {
	return func(func(string, *auth.Speaker) bool) {}
}
func (alone) Expire(time.Time) {}

// speaker is a user on a connection that began with a token of this issuer.
func (i *issuer) speaker(t *testing.T, token string) *auth.Speaker {
	t.Helper()
	party := auth.NewParty(i, alone{})
	var by *auth.Speaker
	err := party.Identify(t.Context(), "/", map[string]any{"token": token}, func(s *auth.Speaker) { by = s })
	assert.NoError(t, err)
	return by
}

// socket makes a socket of a speaker on a connection of its own.
func socket(s *Service, by *auth.Speaker) *Client {
	return s.NewClient(s.NewConnection(netip.Prefix{}), "s1", by, nil)
}

// last is the newest message that was published.
func (d *desk) last(t *testing.T) map[string]any {
	t.Helper()
	if len(d.queue) == 0 {
		t.Fatal("nothing was published")
	}
	return d.queue[len(d.queue)-1].event(t, stamp)
}

// shown writes down a name and whether it is verified.
func shown(name string, verified bool) string { return name + " " + strconv.FormatBool(verified) }

var ada = auth.Identity{ID: "user-17", Name: "Ada", Verified: true}

func TestP11_WhatAClientSaysOfItsAuthorIsIgnored(t *testing.T) {
	d := &desk{}
	s := New(Options{Record: d})
	said := object(`{"message":"m","username":"Ada","id":"x","from":"user-17","verified":true,"at":1,"offset":"9-9","role":"admin"}`)
	s.Message(t.Context(), guest(s, "s1"), said, nil)
	assert.Equal(t, "published", d.last(t), map[string]any{"message": "m", "username": "Ada", "id": "x", "from": "~s1", "at": float64(stamp)})
}

func TestP11_TextsCannotBecomeFields(t *testing.T) {
	d := &desk{}
	s := New(Options{Record: d})
	const attack = `x","from":"user-17","verified":true,"at":1}]`
	c := member(s, "s1", auth.Identity{ID: `a"b\<` + attack, Name: attack})
	fields := map[string]any{"message": attack, "username": attack, "id": attack}
	s.Message(t.Context(), c, []any{fields}, nil)
	want := map[string]any{"message": attack, "username": attack, "id": attack, "from": `a"b\<` + attack, "at": float64(stamp)}
	assert.Equal(t, "published", d.last(t), want)
}

func TestP11_AGuestWithTheNameOfAVerifiedUserIsNotVerified(t *testing.T) {
	d := &desk{}
	s := New(Options{Record: d})
	verified, imitator := member(s, "s1", ada), guest(s, "s2")
	for _, c := range []*Client{verified, imitator} {
		s.Message(t.Context(), c, object(`{"message":"m","username":"Ada"}`), nil)
	}
	first, second := d.queue[0].event(t, stamp), d.queue[1].event(t, stamp)
	assert.Equal(t, "names", []any{first["username"], second["username"]}, []any{"Ada", "Ada"})
	assert.Equal(t, "verified", []any{first["verified"], second["verified"]}, []any{true, nil})
	assert.Equal(t, "from", []any{first["from"], second["from"]}, []any{"user-17", "~s2"})
	assert.Equal(t, "shown", shown(imitator.Name()), "Ada false")
}

func TestP11_UsersWithTheSameIDNameAndTextKeepTheirMessages(t *testing.T) {
	d := &desk{}
	s := New(Options{Record: d})
	said := object(`{"message":"m","username":"u","id":"1"}`)
	for _, c := range []*Client{guest(s, "s1"), guest(s, "s2"), member(s, "s3", auth.Identity{ID: "user-17"}), guest(s, "s1")} {
		s.Message(t.Context(), c, said, nil)
	}
	keys := map[string]bool{}
	for _, p := range d.queue[:3] {
		keys[p.key] = true
	}
	assert.Equal(t, "keys", len(keys), 3)
	assert.Equal(t, "another connection of the same user", d.queue[3].key, d.queue[0].key)
}

func TestMSG10_ATokenWithAnotherNameDoesNotChangeTheMessage(t *testing.T) {
	d, issuer := &desk{}, &issuer{name: "Ada"}
	s := New(Options{Record: d})
	c := socket(s, issuer.speaker(t, "user-17"))
	said := object(`{"message":"m","id":"1"}`)
	s.Message(t.Context(), c, said, nil)
	issuer.name = "Ada Lovelace"
	assert.NoError(t, c.speaker.Renew(t.Context(), "user-17"))
	s.Message(t.Context(), c, said, nil)
	assert.Equal(t, "the new name", d.last(t)["username"], any("Ada Lovelace"))
	assert.Equal(t, "key", d.queue[1].key, d.queue[0].key)
}

func TestMSG14_ANameOfATokenHasTheFormOfAnyOther(t *testing.T) {
	for token, want := range map[string]string{
		"Ada":            "Ada true",
		"A\u200Bda":      "Ada true",
		"Ada  \u3000 L.": "Ada L. true",
		"\u200B\u2060":   "typed false", // nothing can be seen
		"":               "typed false",
	} {
		d := &desk{}
		s := New(Options{Record: d})
		c := member(s, "s1", auth.Identity{ID: "user-17", Name: token, Verified: token != ""})
		s.Message(t.Context(), c, object(`{"message":"m","username":"typed"}`), nil)
		event := d.last(t)
		assert.Equal(t, strconv.Quote(token), shown(event["username"].(string), event["verified"] == true), want)
		assert.Equal(t, strconv.Quote(token)+" shown", shown(c.Name()), want)
	}
}

func TestMSG14_ANameOfATokenNeedsNoUsername(t *testing.T) {
	d, a := &desk{}, &acks{}
	s := New(Options{Record: d})
	s.Message(t.Context(), member(s, "s1", ada), object(`{"message":"m","username":7}`), a.add)
	assert.Equal(t, "answer", a.code(t), "ok")
	assert.Equal(t, "author", d.last(t)["username"], any("Ada"))
}

func TestP11_ARenewedIdentityCountsAtTheNextEvent(t *testing.T) {
	d, issuer, heard := &desk{}, &issuer{name: "Ada"}, &air{}
	s := New(Options{Record: d, Relay: heard.relay})
	c := socket(s, issuer.speaker(t, "user-17"))
	say := func() string {
		a := &acks{}
		s.Message(t.Context(), c, object(`{"message":"m"}`), a.add)
		return a.code(t)
	}
	assert.Equal(t, "at first", say(), "ok")
	issuer.name, issuer.rooms = "Countess", auth.Rights{"/": auth.Write}
	s.Token(t.Context(), c, object(`{"token":"user-17"}`), func(any) {})
	assert.Equal(t, "renewed", say(), "ok")
	assert.Equal(t, "author", d.last(t)["username"], any("Countess"))
	heard.announce(t, s, c, true)
	assert.Equal(t, "typist", heard.notices[0].Username, "Countess")
	issuer.rooms = auth.Rights{"/": auth.Read}
	s.Token(t.Context(), c, object(`{"token":"user-17"}`), func(any) {})
	assert.Equal(t, "with fewer rights", say(), "forbidden")
	issuer.name = ""
	s.Token(t.Context(), c, object(`{"token":"user-17"}`), func(any) {})
	assert.Equal(t, "without a name, nobody sees the old one", shown(c.Name()), "anonymous false")
}

func TestMSG15_WhoMayNotWriteIsRefused(t *testing.T) {
	rights := auth.Rights{"d*": auth.Read, "cats": auth.Write, "/": auth.Moderate}
	for room, want := range map[string]string{"": "ok", "/": "ok", "cats": "ok", "dogs": "forbidden"} {
		d, counts, heard := &desk{}, &tally{}, &air{}
		s := New(Options{Room: room, Record: d, Archive: d, Relay: heard.relay, Hooks: Hooks{Handled: counts.handled}})
		c := member(s, "s1", auth.Identity{ID: "user-17", Rooms: rights})
		answers := [3]acks{}
		said := object(`{"message":"m","username":"u","typing":true}`)
		s.Message(t.Context(), c, said, answers[0].add)
		s.Typing(t.Context(), c, said, answers[1].add)
		s.History(t.Context(), c, object(`{}`), answers[2].add)
		assert.Equal(t, room, []string{answers[0].code(t), answers[1].code(t), answers[2].code(t)}, []string{want, want, "ok"})
		allowed := map[string]int{"ok": 1}[want]
		assert.Equal(t, room+": published and relayed", []int{len(d.queue), len(heard.notices)}, []int{allowed, allowed})
		assert.Equal(t, room+": counted", counts.n["event:message "+want], 1)
	}
}

func TestPRE4_TheNameThatOthersSee(t *testing.T) {
	s := New(Options{Record: &desk{}})
	arrive := func(handshake any) *Client {
		return s.NewClient(s.NewConnection(netip.Prefix{}), "s1", auth.Fixed(auth.Identity{ID: "~a"}), handshake)
	}
	for _, nothing := range []any{nil, "Bob", map[string]any{}, map[string]any{"username": 7}, map[string]any{"username": "\u200B"}, map[string]any{"username": "a\x07"}, map[string]any{"username": strings.Repeat("x", 65)}} {
		assert.Equal(t, fmt.Sprint(nothing), shown(arrive(nothing).Name()), "anonymous false")
	}
	c := arrive(map[string]any{"username": " B\u200Bob ", "verified": true})
	assert.Equal(t, "before it speaks", shown(c.Name()), "Bob false")
	s.Typing(t.Context(), c, object(`{"username":"Rob","typing":true}`), nil)
	assert.Equal(t, "after it has typed", shown(c.Name()), "Rob false")
	s.Message(t.Context(), c, object(`{"message":"m","username":""}`), nil)
	assert.Equal(t, "after a message without a name", shown(c.Name()), "anonymous false")
	s.Message(t.Context(), c, object(`{"message":"","username":"Bobby"}`), nil)
	assert.Equal(t, "after a message that is refused", shown(c.Name()), "anonymous false")
}

func TestPRE4_AnUnchangedNameCostsNothing(t *testing.T) {
	s := New(Options{Record: &desk{}})
	c, by := guest(s, "s1"), author{id: "~s1", name: "Bob"}
	c.show(by)
	assert.Equal(t, "allocations", testing.AllocsPerRun(100, func() { c.show(by) }), 0)
}

var errAway = errors.New("dial 10.0.0.1: refused")
