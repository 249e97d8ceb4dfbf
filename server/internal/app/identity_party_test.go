package app

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/test/issuer"
	"scalable-chat/server/internal/test/siotest"
)

const tokenSecret = "the secret that the issuer of these tests signs with"

// withTokens are the flags of a node that takes tokens and guests.
var withTokens = []string{"--auth=jwt,guest", "--auth-jwt-secret=" + tokenSecret}

// claims are those of a token: more is JSON text that follows, with its comma.
func claims(id string, lasts time.Duration, more string) string {
	return fmt.Sprintf(`{"sub":%q,"exp":%d%s}`, id, time.Now().Add(lasts).Unix(), more)
}

// tokenFor is a good token.
func tokenFor(t testing.TB, id string, lasts time.Duration, more string) string {
	t.Helper()
	return issuer.Sign(t, jose.HS256, []byte(tokenSecret), "", claims(id, lasts, more))
}

// asks sends an event and returns its ack.
func (r *raw) asks(t testing.TB, namespace, event string, payload any) (answer struct{ Status, Code string }) {
	t.Helper()
	text, err := json.Marshal([]any{event, payload})
	assert.NoError(t, err)
	assert.NoError(t, r.write("42"+addressed(namespace)+"7"+string(text)))
	start := "43" + addressed(namespace) + "7"
	for {
		p, err := r.read()
		assert.NoError(t, err)
		if strings.HasPrefix(p, start+"[") {
			assert.NoError(t, json.Unmarshal([]byte(p[len(start):]), &[]any{&answer}), p)
			return answer
		}
	}
}

// TestP11_OneSegmentOfCONNECTsIsOneGuest: whatever order the server's goroutines take.
func TestP11_OneSegmentOfCONNECTsIsOneGuest(t *testing.T) {
	onEachTopology(t, func(t *testing.T, nodes []*App) {
		for i := range 30 {
			r := session(t, nodes[i%len(nodes)])
			namespaces := []string{"/"}
			for n := range 8 {
				namespaces = append(namespaces, fmt.Sprint("/rooms/r", n))
			}
			var packets []string
			for _, n := range namespaces {
				packets = append(packets, connecting(n))
			}
			assert.NoError(t, r.write(packets...))
			guests := map[string]bool{}
			for _, m := range r.meet(t, namespaces...) {
				guests[m.User.ID] = true
			}
			assert.Equal(t, "guests", len(guests), 1)
			r.close()
		}
	})
}

// TestP11_WhoComesFirstIsInherited: a CONNECT without a token speaks as the one before it, also if both come at once.
func TestP11_WhoComesFirstIsInherited(t *testing.T) {
	a := start(t, withTokens...)
	for i := range 200 {
		r := session(t, a)
		id := fmt.Sprint("user", i)
		assert.NoError(t, r.write(connecting("/rooms/cats", "token", tokenFor(t, id, time.Hour, "")), connecting("/rooms/dogs"), connecting("/", "username", "x")))
		for namespace, m := range r.meet(t, "/rooms/cats", "/rooms/dogs", "/") {
			assert.Equal(t, namespace, m.User.ID, id)
		}
		r.close()
	}
}

// TestP11_TwoPeopleOnOneConnection: each namespace speaks as its own, and nothing crosses.
func TestP11_TwoPeopleOnOneConnection(t *testing.T) {
	onEachTopology(t, func(t *testing.T, nodes []*App) {
		watch, _ := come(t, nodes[len(nodes)-1], "/rooms/cats")
		watch.join(t, "/rooms/dogs")
		r, guest := come(t, nodes[0], "/")
		ada := r.join(t, "/rooms/cats", "token", tokenFor(t, "ada", time.Hour, `,"name":"Ada"`))
		bob := r.join(t, "/rooms/dogs", "token", tokenFor(t, "bob", time.Hour, `,"name":"Bob"`))
		assert.Equal(t, "users", [3]string{ada.User.ID, bob.User.ID, bob.Token}, [3]string{"ada", "bob", ""})
		assert.Equal(t, "private ids differ", ada.Pid != bob.Pid && ada.Pid != guest.Pid, true)
		for namespace, m := range map[string]*met{"/": guest, "/rooms/cats": ada, "/rooms/dogs": bob} {
			name := m.User.Name
			if name == "" {
				name = "u"
			}
			heard := r.says(t, namespace)
			assert.Equal(t, "author in "+namespace, [2]string{heard.From, heard.Username}, [2]string{m.User.ID, name})
			assert.Equal(t, "verified in "+namespace, heard.Verified != nil, m.User.Name != "")
		}
		assert.NoError(t, r.write(`42/rooms/dogs,["typing",{"username":"Ada","typing":true}]`))
		if p := watch.until(t, `42/rooms/dogs,["typing"`); !strings.Contains(p, `"username":"Bob"`) {
			t.Errorf("typing: %s", p)
		}
		for namespace, token := range map[string]string{
			"/rooms/cats": tokenFor(t, "bob", 2*time.Hour, ""), "/rooms/dogs": guest.Token, "/": tokenFor(t, "ada", 2*time.Hour, ""),
		} {
			assert.Equal(t, "renewal by another in "+namespace, r.asks(t, namespace, "token", map[string]string{"token": token}).Code, "unauthorized")
		}
		assert.Equal(t, "ada renews", r.asks(t, "/rooms/cats", "token", map[string]string{"token": tokenFor(t, "ada", 2*time.Hour, `,"name":"Countess"`)}).Status, "ok")
		assert.Equal(t, "her name", r.says(t, "/rooms/cats").Username, "Countess")
		assert.Equal(t, "his name", r.says(t, "/rooms/dogs").Username, "Bob")
		r.close()
		r, stolen := come(t, nodes[0], "/rooms/cats", "token", tokenFor(t, "bob", time.Hour, ""), "pid", ada.Pid, "offset", ada.Offset)
		assert.Equal(t, "nobody recovers with the private id of another", stolen.Pid == ada.Pid, false)
		_, stolen = come(t, nodes[0], "/rooms/cats", "pid", ada.Pid, "offset", ada.Offset)
		assert.Equal(t, "a user's private id is no credential", stolen.User.Guest && stolen.Pid != ada.Pid, true)
		assert.Equal(t, "bob is bob", r.says(t, "/rooms/cats").From, "bob")
	}, withTokens...)
}

// TestP11_NobodyBecomesAnotherInPlace: a second CONNECT to a namespace, with the credentials of somebody else, ends the
// connection, as in the reference server. What the client says in one piece with it is said by nobody.
func TestP11_NobodyBecomesAnotherInPlace(t *testing.T) {
	a := start(t, withTokens...)
	other, _ := come(t, a, "/")
	assert.Equal(t, "refused", other.join(t, "/rooms/cats").Code, "")
	for _, namespace := range []string{"/", "/rooms/cats"} {
		r, m := come(t, a, namespace, "token", tokenFor(t, "ada", time.Hour, ""))
		say := "42" + addressed(namespace) + `["event:message",{"message":"m","username":"u"}]`
		assert.NoError(t, r.write(connecting(namespace, "token", tokenFor(t, "bob", time.Hour, "")), say))
		for err := error(nil); err == nil; { // until the server closes
			var p string
			p, err = r.read()
			assert.Equal(t, p, strings.Contains(p, `"bob"`), false)
		}
		_, again := come(t, a, namespace, "token", tokenFor(t, "ada", time.Hour, ""), "pid", m.Pid, "offset", m.Offset)
		assert.Equal(t, "ada comes back", again.Pid, m.Pid)
		assert.NoError(t, other.write("42"+addressed(namespace)+`["event:message",{"message":"last","username":"u"}]`))
		assert.Equal(t, "the first message that others hear", other.hears(t, namespace).Message, "last")
	}
}

// TestP11_SlowKeysHoldNobodyElse: a CONNECT waits for the issuer; events of other namespaces go on, and the CONNECTs after it keep
// their order.
func TestP11_SlowKeysHoldNobodyElse(t *testing.T) {
	i := issuer.New(t, "a")
	release := make(chan struct{})
	site := issuer.NewSite(t, func(w http.ResponseWriter, r *http.Request) {
		<-release
		issuer.Serving(i.JWKS(t, "a"))(w, r)
	})
	a := start(t, "--auth=jwt,guest", "--auth-jwks-url="+site.URL)
	r, guest := come(t, a, "/")
	other, _ := come(t, a, "/")
	assert.NoError(t, r.write(connecting("/rooms/cats", "token", i.Token(t, "a", claims("ada", time.Hour, ""))), connecting("/rooms/dogs")))
	for range 20 {
		assert.Equal(t, "meanwhile", r.says(t, "/").From, guest.User.ID)
		other.says(t, "/")
	}
	assert.Equal(t, "fetches", site.Asked.Load(), 1)
	close(release)
	both := r.meet(t, "/rooms/cats", "/rooms/dogs")
	assert.Equal(t, "who waited for the keys", both["/rooms/cats"].User.ID, "ada")
	assert.Equal(t, "who came later", both["/rooms/dogs"].User.ID, "ada") // who has shown credentials comes before a guest without
}

// TestP11_TOK2_OneRenewalExtendsAllRooms: fifty namespaces of one connection have one identity.
func TestP11_TOK2_OneRenewalExtendsAllRooms(t *testing.T) {
	brief := defaultTimeouts
	brief.grace = 100 * time.Millisecond
	a := startWith(t, brief, logger(t), append(withTokens, "--max-rooms-per-connection=60", "--ops-addr=127.0.0.1:0")...)
	token := tokenFor(t, "ada", time.Hour, "")
	r, _ := come(t, a, "/", "token", token)
	var namespaces []string
	for n := range 50 {
		namespaces = append(namespaces, fmt.Sprint("/rooms/r", n))
		assert.NoError(t, r.write(connecting(namespaces[n], "token", token)))
	}
	r.meet(t, namespaces...)
	end := time.Now().Add(3 * time.Second)
	shorter := map[string]string{"token": tokenFor(t, "ada", time.Until(end), "")}
	assert.Equal(t, "renewed, for a short time", r.asks(t, "/", "token", shorter).Status, "ok")
	longer := map[string]string{"token": tokenFor(t, "ada", time.Hour, "")}
	assert.Equal(t, "renewed", r.asks(t, namespaces[30], "token", longer).Status, "ok")
	time.Sleep(time.Until(end) + 2*brief.grace) // the time at which nothing may happen
	for _, n := range append(namespaces, "/") {
		assert.Equal(t, "author in "+n, r.says(t, n).From, "ada")
	}
	assert.Equal(t, "a new room inherits what was renewed", r.join(t, "/rooms/more").User.ID, "ada")
	assert.Equal(t, "ends", a.scrape(t, `chat_closes_total{reason="credentials expired"}`), "0")
}

// TestP11_WhoWasRefusedEndsNobody: the token of a CONNECT that a room refuses expires before that of another connection.
func TestP11_WhoWasRefusedEndsNobody(t *testing.T) {
	brief := defaultTimeouts
	brief.grace = 100 * time.Millisecond
	a := startWith(t, brief, logger(t), withTokens...)
	r, guest := come(t, a, "/")
	assert.NoError(t, r.write(connecting("/rooms/no room", "token", tokenFor(t, "ada", 2*time.Second, ""))))
	r.until(t, "44/rooms/no room,")
	later, _ := come(t, a, "/", "token", tokenFor(t, "bob", 4*time.Second, ""))
	for err := error(nil); err == nil; { // until the server closes
		_, err = later.read()
	}
	assert.Equal(t, "the guest goes on", r.says(t, "/").From, guest.User.ID)
}

// TestP11_WhoDoesNotRenewIsSentBack: at the transport, so that a stock client comes back with a new token and misses nothing.
func TestP11_WhoDoesNotRenewIsSentBack(t *testing.T) {
	brief := defaultTimeouts
	brief.grace = time.Second // more than the edge's clock is inexact
	a := startWith(t, brief, logger(t), withTokens...)
	for _, transport := range transports {
		t.Run(transport.String(), func(t *testing.T) {
			t.Parallel()
			auth := map[string]any{"token": tokenFor(t, "ada", 3*time.Second, "")}
			c := open(t, a.url(), siotest.Options{Transport: transport, Auth: auth})
			say(t, c, "before")
			wait(t, c, "heard", func(s siotest.State) bool { return s.Messages > 0 })
			c.SetAuth(map[string]any{"token": tokenFor(t, "ada", time.Hour, "")})
			wait(t, c, "sent back", func(s siotest.State) bool { return s.Joined && s.Connects == 2 })
			assert.Equal(t, "recovered", c.State().Recovered, 1)
			say(t, c, "after")
			sound(t, c)
			for _, m := range c.Report().Segments[0].Messages {
				assert.Equal(t, "author", m.From, "ada")
			}
		})
	}
	t.Run("a token that is expired", func(t *testing.T) {
		t.Parallel()
		token := tokenFor(t, "bob", 2*time.Second, "")
		r, m := come(t, a, "/", "token", token)
		for err := error(nil); err == nil; { // until the server closes
			_, err = r.read()
		}
		if early := time.Until(time.UnixMilli(m.User.Expires)); early > 0 {
			t.Errorf("closed %v before the token expired", early)
		}
		_, m = come(t, a, "/", "token", token, "pid", m.Pid, "offset", m.Offset)
		assert.Equal(t, "comes back with the same", m.Code, "expired")
	})
}
