package admission

import (
	"context"
	"errors"
	"maps"
	"testing"
	"time"

	"scalable-chat/server/internal/auth"
	"scalable-chat/server/internal/engineio"
	"scalable-chat/server/internal/test/assert"
)

var _ session = (*engineio.Session)(nil)

// visit is a session that notes when it is to end.
type visit struct {
	party  any
	passes map[string]any
	after  time.Duration
	called int
}

func (v *visit) Party(make func() any) any {
	if v.party == nil {
		v.party = make()
	}
	return v.party
}

func (v *visit) Passes(yield func(string, any) bool) { maps.All(v.passes)(yield) }

func (v *visit) SetPass(namespace string, pass any) {
	if v.passes == nil {
		v.passes = map[string]any{}
	}
	v.passes[namespace] = pass
}

// meet is the speaker of a CONNECT to a namespace.
func (d *Door) meet(t testing.TB, s *visit, namespace, payload string) *auth.Speaker {
	t.Helper()
	assert.NoError(t, d.identify(t.Context(), s, engineio.Connect{Namespace: namespace, Payload: []byte(payload)}))
	return s.passes[namespace].(*auth.Speaker)
}

func (v *visit) Expire(after time.Duration) { v.after, v.called = after, v.called+1 }

// desk answers with an identity or an error.
type desk struct {
	who auth.Identity
	err error
	got []auth.Connect
}

func (d *desk) Authenticate(_ context.Context, c auth.Connect) (auth.Identity, error) {
	d.got = append(d.got, c)
	return d.who, d.err
}

func TestP11_TheDoorPassesOnWhatTheClientShows(t *testing.T) {
	d := &desk{who: auth.Identity{ID: "ada"}}
	door := New(Options{Authenticator: d})
	s := &visit{}
	by := door.meet(t, s, "/rooms/cats", `{"token":"t","pid":"p"}`)
	assert.Equal(t, "speaker", by.Identity(), d.who)
	assert.Equal(t, "one speaker for a user of a connection", door.meet(t, s, "/", "{}") == by, true)
	assert.Equal(t, "first payload", d.got[0].Payload, any(map[string]any{"token": "t", "pid": "p"}))
	assert.Equal(t, "what the connection holds", d.got[1].Held, d.who)
	assert.Equal(t, "no end", s.called, 0)
}

func TestP11_TheDoorRefusesWithACode(t *testing.T) {
	var codes []string
	d := &desk{}
	door := New(Options{Authenticator: d, Refused: func(code string) { codes = append(codes, code) }})
	for _, c := range []struct {
		namespace, code string
		who             auth.Identity
		err             error
	}{
		{"/", auth.Unauthorized, auth.Identity{}, &auth.Refusal{Code: auth.Unauthorized}},
		{"/", auth.Expired, auth.Identity{}, &auth.Refusal{Code: auth.Expired}},
		{"/rooms/dogs", auth.Forbidden, auth.Identity{ID: "ada", Rooms: auth.Rights{"cats": auth.Write}}, nil},
		{"/", auth.Forbidden, auth.Identity{ID: "ada", Rooms: auth.Rights{"cats": auth.Write}}, nil},
	} {
		d.who, d.err = c.who, c.err
		s := &visit{}
		err := door.identify(t.Context(), s, engineio.Connect{Namespace: c.namespace, Payload: []byte("{}")})
		var refusal *engineio.Refusal
		if s.passes != nil || !errors.As(err, &refusal) || refusal.Code != c.code {
			t.Errorf("%s in %s: %v", c.code, c.namespace, err)
		}
	}
	d.err = errors.New("keys are away")
	err := door.identify(t.Context(), &visit{}, engineio.Connect{Payload: []byte("{}")})
	assert.Equal(t, "what passes is no refusal", err, d.err)
	assert.Equal(t, "counted", len(codes), 4)
}

func TestP11_TheDoorEndsAConnectionSomeTimeAfterItsCredentials(t *testing.T) {
	const grace = 30 * time.Second
	d := &desk{who: auth.Identity{ID: "ada", Expires: time.Now().Add(time.Hour)}}
	door := New(Options{Authenticator: d})
	ends := map[time.Duration]bool{}
	for range 20 {
		s := &visit{}
		door.meet(t, s, "/", "{}")
		if s.after < time.Hour+grace-time.Minute/2 || s.after > time.Hour+grace*4/3 {
			t.Errorf("ends after %v", s.after)
		}
		ends[s.after.Truncate(100*time.Millisecond)] = true
	}
	assert.Equal(t, "connections that expire together end at different times", len(ends) > 5, true)
	s := &visit{}
	by := door.meet(t, s, "/", "{}")
	d.who.Expires = time.Time{}
	assert.NoError(t, by.Renew(t.Context(), "a token without end"))
	assert.Equal(t, "no end", s.after, time.Duration(0))
}

// TestP11_AFarEndIsNoEndAtOnce: "never", as some issuers write it, is further away than a duration can say.
func TestP11_AFarEndIsNoEndAtOnce(t *testing.T) {
	for _, year := range []int{2300, 3000, 9999} {
		door := New(Options{Authenticator: &desk{who: auth.Identity{ID: "ada", Expires: time.Date(year, 12, 31, 0, 0, 0, 0, time.UTC)}}})
		s := &visit{}
		door.meet(t, s, "/", "{}")
		assert.Equal(t, "the connection lasts", s.after <= 0 || s.after > longest, true)
	}
}

// TestP11_ARenewalSeesWhoIsOnTheWayIn: a CONNECT that was let in, but is not in its room yet, counts as there.
func TestP11_ARenewalSeesWhoIsOnTheWayIn(t *testing.T) {
	d := &desk{who: auth.Identity{ID: "ada", Rooms: auth.Rights{"/": auth.Write, "cats": auth.Read}}}
	door, s := New(Options{Authenticator: d}), &visit{}
	by := door.meet(t, s, "/", "{}")
	door.meet(t, s, "/rooms/cats", "{}")
	d.who.Rooms = auth.Rights{"/": auth.Write}
	if err := by.Renew(t.Context(), "a token without that room"); err == nil {
		t.Error("ada stays in a room that her token does not name")
	}
}

// TestP11_NamesThatLookAlikeHideNobody: "/rooms//" asks for the rights of the main room, and there is no such room.
func TestP11_NamesThatLookAlikeHideNobody(t *testing.T) {
	d := &desk{who: auth.Identity{ID: "ada", Expires: time.Now().Add(time.Hour)}}
	door, s := New(Options{Authenticator: d, Grace: time.Second}), &visit{}
	door.meet(t, s, "/", "{}")
	d.who = auth.Identity{ID: "bob"}
	for range 10 {
		door.meet(t, s, "/rooms//", `{"token":"bob's, for ever"}`)
		door.meet(t, s, "/rooms/cats", `{"token":"bob's, for ever"}`)
		assert.Equal(t, "still ends with ada", s.after > 0 && s.after < 2*time.Hour, true)
	}
}

// TestP11_WhoIsNotThereEndsNothing: the token of a CONNECT that was refused, or of a room that was left, expires.
func TestP11_WhoIsNotThereEndsNothing(t *testing.T) {
	d := &desk{who: auth.Identity{ID: "ada", Expires: time.Now().Add(time.Hour)}}
	door, s := New(Options{Authenticator: d, Grace: time.Second}), &visit{}
	door.meet(t, s, "/", "{}")
	d.who = auth.Identity{ID: "bob", Expires: time.Now().Add(time.Millisecond)}
	by := door.meet(t, s, "/rooms/cats", `{"token":"bob's"}`)
	assert.Equal(t, "the connection would end with bob", s.after < time.Minute, true)
	gone := by.Identity()
	gone.Expires = time.Now().Add(-2 * time.Second)
	s.passes["/rooms/cats"] = auth.Fixed(gone)
	assert.Equal(t, "with bob, it ends", door.expired(s), true)
	delete(s.passes, "/rooms/cats")
	assert.Equal(t, "without bob, it goes on", door.expired(s), false)
	assert.Equal(t, "and ends with ada", s.after > time.Hour-time.Minute, true)
	delete(s.passes, "/")
	assert.Equal(t, "without anybody, it goes on", door.expired(s), false)
	assert.Equal(t, "for ever", s.after, time.Duration(0))
}
