package app

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"scalable-chat/server/internal/stream"
	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/test/issuer"
	"scalable-chat/server/internal/test/redistest"
)

// strict is a node that takes tokens of an issuer only, with the flags that make it so.
func strict(t testing.TB, i *issuer.Issuer) []string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "keys.json")
	assert.NoError(t, os.WriteFile(file, i.JWKS(t), 0o600))
	return []string{"--auth=jwt", "--auth-jwks-file=" + file, "--auth-jwt-issuer=https://id.example", "--auth-jwt-audience=chat", "--ops-addr=127.0.0.1:0"}
}

const ours = `,"iss":"https://id.example","aud":"chat"`

// forgeries are tokens that speak for nobody, by what is wrong with them.
func forgeries(t *testing.T, i *issuer.Issuer, key *rsa.PrivateKey) map[string]string {
	t.Helper()
	good := claims("ada", time.Hour, ours)
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	assert.NoError(t, err)
	public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	encode := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	parts := strings.Split(i.Token(t, "ec", good), ".")
	encrypter, err := jose.NewEncrypter(jose.A128GCM, jose.Recipient{Algorithm: jose.RSA_OAEP, Key: key.Public()}, nil)
	assert.NoError(t, err)
	sealed, err := encrypter.Encrypt([]byte(good))
	assert.NoError(t, err)
	jwe, err := sealed.CompactSerialize()
	assert.NoError(t, err)
	ec := i.Keys["ec"]
	header := func(name string, value any) string {
		return issuer.SignWith(t, jose.ES256, ec, (&jose.SignerOptions{}).WithHeader(jose.HeaderKey(name), value), good)
	}
	return map[string]string{
		"none":                          encode(`{"alg":"none","typ":"JWT"}`) + "." + encode(good) + ".",
		"None, signed":                  encode(`{"alg":"None","kid":"ec"}`) + "." + encode(good) + "." + parts[2],
		"the RSA key as a secret (PEM)": issuer.Sign(t, jose.HS256, public, "rsa", good),
		"the RSA key as a secret (DER)": issuer.Sign(t, jose.HS256, der, "", good),
		"another algorithm of the key":  issuer.Sign(t, jose.RS512, key, "rsa", good),
		"other claims":                  parts[0] + "." + encode(claims("bob", time.Hour, ours)) + "." + parts[2],
		"no signature":                  parts[0] + "." + parts[1] + ".",
		"a critical header":             issuer.SignWith(t, jose.ES256, ec, (&jose.SignerOptions{}).WithHeader("crit", []string{"exp"}).WithHeader("exp", 1).WithHeader("kid", "ec"), good),
		"a key of its own":              issuer.SignWith(t, jose.ES256, issuer.New(t, "x").Keys["x"], &jose.SignerOptions{EmbedJWK: true}, good),
		"a kid that is a path":          header("kid", "../../etc/passwd"),
		"a kid that is not there":       header("kid", "ex"),
		"another's signature":           issuer.Sign(t, jose.ES256, issuer.New(t, "ec").Keys["ec"], "ec", good),
		"encrypted":                     jwe,
		"4097 bytes":                    padded(t, i, 4097),
		"40 KB":                         padded(t, i, 40<<10),
		"nested":                        i.Token(t, "ec", claims("ada", time.Hour, ours+`,"name":`+strings.Repeat("[", 200)+strings.Repeat("]", 200))),
		"nested where nobody looks":     i.Token(t, "ec", claims("ada", time.Hour, ours+`,"x":`+strings.Repeat("[", 11000))),
		"two ids":                       i.Token(t, "ec", claims("ada", time.Hour, ours+`,"sub":"bob"`)),
		"an id in another case":         i.Token(t, "ec", fmt.Sprintf(`{"SUB":"ada","exp":%d%s}`, time.Now().Add(time.Hour).Unix(), ours)),
		"no exp":                        i.Token(t, "ec", `{"sub":"ada"`+ours+`}`),
		"exp as text":                   i.Token(t, "ec", `{"sub":"ada","exp":"4102444800"`+ours+`}`),
		"not yet":                       i.Token(t, "ec", claims("ada", time.Hour, ours+fmt.Sprintf(`,"nbf":%d`, time.Now().Add(time.Minute).Unix()))),
		"another audience":              i.Token(t, "ec", claims("ada", time.Hour, `,"iss":"https://id.example","aud":["chats","cha"]`)),
		"another issuer":                i.Token(t, "ec", claims("ada", time.Hour, `,"iss":"https://id.example/","aud":"chat"`)),
		"no id":                         i.Token(t, "ec", claims("", time.Hour, ours)),
		"a guest's id":                  i.Token(t, "ec", claims("~AAAAAAAAAAAAAAAA", time.Hour, ours)),
		"the system's id":               i.Token(t, "ec", claims("~system", time.Hour, ours)),
		"an id of white space":          i.Token(t, "ec", claims("\u00a0", time.Hour, ours)),
		"an id with an end of line":     i.Token(t, "ec", claims("ada\n", time.Hour, ours)),
		"an id that cannot be seen":     i.Token(t, "ec", claims("ada\u200b", time.Hour, ours)),
		"an id that turns the text":     i.Token(t, "ec", claims("\u202eada", time.Hour, ours)),
		"a right that is none":          i.Token(t, "ec", claims("ada", time.Hour, ours+`,"rooms":{"*":"admin"}`)),
		"a prefix":                      "Bearer " + i.Token(t, "ec", good),
	}
}

// padded is a good token but for its size.
func padded(t *testing.T, i *issuer.Issuer, size int) string {
	t.Helper()
	const overhead = 256 // of header, signature and the other claims, at least
	for pad := (size - overhead) * 3 / 4; ; pad++ {
		if token := i.Token(t, "ec", claims("ada", time.Hour, ours+`,"x":"`+strings.Repeat("x", pad)+`"`)); len(token) >= size {
			return token
		}
	}
}

// TestP11_NoForgedTokenSpeaks: each is refused with a code, and leaves nothing behind.
func TestP11_NoForgedTokenSpeaks(t *testing.T) {
	i := issuer.New(t, "ec")
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	assert.NoError(t, err)
	i.Keys["rsa"] = key
	a := start(t, strict(t, i)...)
	watch, _ := come(t, a, "/", "token", i.Token(t, "ec", claims("watcher", time.Hour, ours)))
	assert.Equal(t, "RS256 is fine", watch.join(t, "/rooms/cats", "token", issuer.Sign(t, jose.RS256, key, "rsa", claims("r", time.Hour, ours))).Code, "")
	tokens := forgeries(t, i, key)
	for what, lasts := range map[string]time.Duration{"a second ago": -time.Second, "a year ago": -365 * 24 * time.Hour, "now": 0} {
		tokens["expired: "+what] = i.Token(t, "ec", claims("ada", lasts, ours))
	}
	for what, token := range tokens {
		want := "unauthorized"
		if strings.HasPrefix(what, "expired") {
			want = "expired"
		}
		for _, namespace := range []string{"/", "/rooms/cats"} {
			r, m := come(t, a, namespace, "token", token)
			assert.Equal(t, what+" in "+namespace, m.Code, want)
			assert.NoError(t, r.write("42"+addressed(namespace)+`["event:message",{"message":"forged","username":"u"}]`))
			assert.Equal(t, "without a token, after it, in "+namespace, r.join(t, "/rooms/dogs").Code, "unauthorized")
			r.close()
		}
		assert.Equal(t, what+" as a renewal", watch.asks(t, "/", "token", map[string]string{"token": token}).Code != "", true)
	}
	assert.Equal(t, "sockets", a.hub.Members("/"), 1)
	assert.Equal(t, "the next message", watch.says(t, "/").From, "watcher")
	assert.Equal(t, "nothing forged is stored", strings.Contains(a.stored(t), "forged"), false)
	for _, code := range []string{"unauthorized", "expired"} {
		assert.Equal(t, "counted as "+code, a.scrape(t, `chat_room_refusals_total{code="`+code+`"}`) != "0", true)
	}
}

// stored is what the node's record holds.
func (a *App) stored(t *testing.T) string {
	t.Helper()
	entries, err := a.parts.global.Last(t.Context(), stream.Offset{}, 100)
	assert.NoError(t, err)
	var all strings.Builder
	for _, e := range entries {
		all.Write(e.Event)
	}
	return all.String()
}

// TestP11_ATokenOfAnotherTypeIsNoToken: it is refused, not taken for none.
func TestP11_ATokenOfAnotherTypeIsNoToken(t *testing.T) {
	a := start(t, withTokens...)
	for _, value := range []string{"7", "true", "false", "[]", `["` + tokenFor(t, "ada", time.Hour, "") + `"]`, "{}", `{"token":"x"}`, `" "`, `"\u0000"`} {
		r := session(t, a)
		assert.NoError(t, r.write(`40{"token":`+value+`}`))
		assert.Equal(t, value, r.meet(t, "/")["/"].Code, "unauthorized")
		r.close()
	}
	for _, payload := range []string{`{"token":1e999}`, `{"token":"` + strings.Repeat("[", 99) + `","x":1e999}`} { // no number of Go
		r := session(t, a)
		assert.NoError(t, r.write("40"+payload))
		_, err := r.read()
		assert.Equal(t, payload, errors.Is(err, errClosed), true)
	}
}

// TestP11_NamesOfTokensAreSeenAsTheyAre: what cannot be seen is not in them, and does not make them another's.
func TestP11_NamesOfTokensAreSeenAsTheyAre(t *testing.T) {
	a := start(t, withTokens...)
	for name, want := range map[string]string{
		"Ada": "Ada", "A\u200bda": "Ada", "\u202eadA": "adA", "Ada\u2066": "Ada", "A\u00adda": "Ada", "A \u3000 B": "A B",
	} {
		r, m := come(t, a, "/", "token", tokenFor(t, "ada", time.Hour, fmt.Sprintf(`,"name":%q`, name)))
		assert.Equal(t, name, m.Code, "")
		heard := r.says(t, "/")
		assert.Equal(t, fmt.Sprintf("%q", name), heard.Username, want)
		assert.Equal(t, "verified", heard.Verified != nil && *heard.Verified, true)
		r.close()
	}
	r, _ := come(t, a, "/", "token", tokenFor(t, "bob", time.Hour, `,"name":"\u200b\u2060"`))
	heard := r.says(t, "/")
	assert.Equal(t, "a name of which nothing can be seen is none", heard.Username+fmt.Sprint(heard.Verified), "u<nil>")
}

// troubles are issuers that cannot be asked.
var troubles = map[string]http.HandlerFunc{
	"endless": func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 1<<16)); err != nil {
				return
			}
		}
	},
	"hangs": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
	"HTML":  issuer.Serving([]byte("<html>Welcome</html>")),
	"moved": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) },
	"away":  func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) },
}

// TestP11_KeysThatAreAwayCloseTheTransport: so that the client comes back, and nobody is let in meanwhile.
func TestP11_KeysThatAreAwayCloseTheTransport(t *testing.T) {
	for what, answer := range troubles {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			i := issuer.New(t, "a")
			site := issuer.NewSite(t, answer)
			a := start(t, "--auth=jwt,guest", "--auth-jwks-url="+site.URL)
			for range 3 {
				r := session(t, a)
				assert.NoError(t, r.write(connecting("/", "token", i.Token(t, "a", claims("ada", time.Hour, "")))))
				p, err := r.read()
				assert.Equal(t, p, errors.Is(err, errClosed), true)
			}
			assert.Equal(t, "fetches", site.Asked.Load(), 1)
			assert.Equal(t, "sockets", a.hub.Members("/"), 0)
			_, m := come(t, a, "/")
			assert.Equal(t, "guests need no keys", m.User.Guest, true)
		})
	}
}

// TestP11_SecretsRotateAndNobodyIsLoggedOut: old, then both, then new, one node after the other.
func TestP11_SecretsRotateAndNobodyIsLoggedOut(t *testing.T) {
	secrets := [2]string{strings.Repeat("old secret ", 4), strings.Repeat("new secret ", 4)}
	url := "--redis-url=" + redistest.Start(t).URL()
	nodes := make([]*App, 3)
	stop := func(n int) {
		if nodes[n] != nil {
			assert.NoError(t, nodes[n].Stop(context.Background()))
		}
	}
	boot := func(n int, secret string) {
		stop(n)
		var err error
		nodes[n], err = New(load(t, url, "--auth-secret="+secret), logger(t))
		assert.NoError(t, err)
		assert.NoError(t, nodes[n].Start(t.Context()))
	}
	defer func() {
		for n := range nodes {
			stop(n)
		}
	}()
	for n := range nodes {
		boot(n, secrets[0])
	}
	r, first := come(t, nodes[0], "/")
	r.close()
	kept, renewed := first.Token, first.Token // of a client that has kept its first token, and of one that takes each new one
	for _, secret := range []string{secrets[0] + "," + secrets[1], secrets[1] + "," + secrets[0]} {
		for n := range nodes {
			boot(n, secret)
			for _, node := range nodes {
				for _, token := range []string{kept, renewed} {
					r, m := come(t, node, "/", "pid", token)
					assert.Equal(t, "guest", m.User.ID, first.User.ID)
					m = r.join(t, "/rooms/cats", "token", token)
					assert.Equal(t, "guest by token", m.User.ID+m.Code, first.User.ID)
					renewed = m.Token
					r.close()
				}
			}
		}
	}
	for n := range nodes {
		boot(n, secrets[1])
		r, m := come(t, nodes[n], "/", "token", renewed)
		r.close()
		assert.Equal(t, "guest with a token of the new secret", m.User.ID+m.Code, first.User.ID)
	}
}
