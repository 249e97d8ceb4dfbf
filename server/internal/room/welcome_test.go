package room

import (
	"cmp"
	"encoding/json"
	"os"
	"testing"
	"time"

	"scalable-chat/server/internal/auth"
	"scalable-chat/server/internal/test/assert"
)

// goldenLimits are those of a server that has the default settings.
var goldenLimits = Limits{
	MessageChars: 4000, UsernameChars: 64, PayloadBytes: 65536, DedupeMs: 600_000, AppendMs: 10_000, MessageRate: 50,
	MessageBurst: 200, RequestRate: 2, RequestBurst: 10, HistoryMessages: 100, HistoryOnJoin: 200, Rooms: 50,
}

func TestWHO12_WelcomeTellsWhoOneIs(t *testing.T) {
	text, err := os.ReadFile("../../../protocol/fixtures/server-welcome.json")
	assert.NoError(t, err)
	var golden struct {
		Cases []struct {
			Name    string
			Welcome struct {
				User struct {
					user
					Guest bool
				}
				Token string
				Rooms auth.Rights
			}
			Frame string
		}
	}
	assert.NoError(t, json.Unmarshal(text, &golden))
	r := &Room{opts: Options{Namespace: "/", Welcome: NewWelcome(goldenLimits)}}
	for _, c := range golden.Cases {
		told := c.Welcome.User
		who := auth.Identity{ID: told.ID, Name: told.Name, Role: told.Role, Guest: told.Guest, Rooms: c.Welcome.Rooms}
		if told.Expires != 0 {
			who.Expires = time.UnixMilli(told.Expires)
		}
		r.opts.PrivateIDs = secret(cmp.Or(c.Welcome.Token, "=a.private.id"))
		assert.Equal(t, c.Name, string(payloadOf(r.appendWelcome(nil, who))), c.Frame)
	}
}

// TestREC7_WelcomeEndsInAnObject: a stock client would take a string at the end for its offset.
func TestREC7_WelcomeEndsInAnObject(t *testing.T) {
	r := &Room{opts: Options{Namespace: "/", Welcome: NewWelcome(Limits{})}}
	var args []any
	assert.NoError(t, json.Unmarshal(payloadOf(r.appendWelcome(nil, auth.Identity{ID: "ada"}))[2:], &args))
	_, isObject := args[1].(map[string]any)
	assert.Equal(t, "the name and an object", len(args) == 2 && isObject, true)
}

// secret is the private id of everybody.
type secret string

func (s secret) PrivateID(auth.Identity) string  { return string(s) }
func (s secret) Owns(auth.Identity, string) bool { return true }

func BenchmarkWelcome(b *testing.B) {
	r := &Room{opts: Options{Namespace: "/", Welcome: NewWelcome(Limits{}), PrivateIDs: secret("~AAAAAAAAAAAAAAAA.BBBBBBBB.CCCCCCCCCCCCCCCCCCCCCC")}}
	who := auth.Identity{ID: "~AAAAAAAAAAAAAAAA", Guest: true}
	b.ReportAllocs()
	for b.Loop() {
		r.appendWelcome(nil, who)
	}
}
