package admission

import (
	"context"
	"errors"
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

func (v *visit) Passes() map[string]any { return v.passes }

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
	by, err := door.identify(t.Context(), s, engineio.Connect{Namespace: "/rooms/cats", Payload: []byte(`{"token":"t","pid":"p"}`)})
	assert.NoError(t, err)
	assert.Equal(t, "speaker", by.Identity(), d.who)
	again, err := door.identify(t.Context(), s, engineio.Connect{Namespace: "/", Payload: []byte(`{}`)})
	assert.NoError(t, err)
	assert.Equal(t, "one speaker for a user of a connection", again == by, true)
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
		{"/rooms/dogs", codeForbidden, auth.Identity{ID: "ada", Rooms: auth.Rights{"cats": auth.Write}}, nil},
		{"/", codeForbidden, auth.Identity{ID: "ada", Rooms: auth.Rights{"cats": auth.Write}}, nil},
	} {
		d.who, d.err = c.who, c.err
		by, err := door.identify(t.Context(), &visit{}, engineio.Connect{Namespace: c.namespace, Payload: []byte("{}")})
		var refusal *engineio.Refusal
		if by != nil || !errors.As(err, &refusal) || refusal.Code != c.code {
			t.Errorf("%s in %s: %v", c.code, c.namespace, err)
		}
	}
	d.err = errors.New("keys are away")
	_, err := door.identify(t.Context(), &visit{}, engineio.Connect{Payload: []byte("{}")})
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
		_, err := door.identify(t.Context(), s, engineio.Connect{Payload: []byte("{}")})
		assert.NoError(t, err)
		if s.after < time.Hour+grace-time.Minute/2 || s.after > time.Hour+grace*4/3 {
			t.Errorf("ends after %v", s.after)
		}
		ends[s.after.Truncate(100*time.Millisecond)] = true
	}
	assert.Equal(t, "connections that expire together end at different times", len(ends) > 5, true)
	s := &visit{}
	by, err := door.identify(t.Context(), s, engineio.Connect{Payload: []byte("{}")})
	assert.NoError(t, err)
	s.passes = map[string]any{"/": by}
	d.who.Expires = time.Time{}
	assert.NoError(t, by.Renew(t.Context(), "a token without end"))
	assert.Equal(t, "no end", s.after, time.Duration(0))
}

// TestP11_AFarEndIsNoEndAtOnce: "never", as some issuers write it, is further away than a duration can say.
func TestP11_AFarEndIsNoEndAtOnce(t *testing.T) {
	for _, year := range []int{2300, 3000, 9999} {
		door := New(Options{Authenticator: &desk{who: auth.Identity{ID: "ada", Expires: time.Date(year, 12, 31, 0, 0, 0, 0, time.UTC)}}})
		s := &visit{}
		_, err := door.identify(t.Context(), s, engineio.Connect{Namespace: "/", Payload: []byte("{}")})
		assert.NoError(t, err)
		assert.Equal(t, "the connection lasts", s.after <= 0 || s.after > longest, true)
	}
}
