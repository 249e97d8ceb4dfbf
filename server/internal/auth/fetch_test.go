package auth

import (
	"context"
	"crypto"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"scalable-chat/server/internal/test/assert"
)

// site serves an issuer's keys, badly if a test asks for it.
type site struct {
	*httptest.Server
	asked atomic.Int64

	mu     sync.Mutex
	answer http.HandlerFunc
}

func newSite(t *testing.T, answer http.HandlerFunc) *site {
	s := &site{answer: answer}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.asked.Add(1)
		s.mu.Lock()
		answer := s.answer
		s.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *site) set(answer http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = answer
}

func serving(text []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.Write(text) }
}

// clock is a time that a test moves.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time          { return now.Add(time.Duration(c.ahead.Load())) }
func (c *clock) forward(d time.Duration) { c.ahead.Add(int64(d)) }

// fetching makes tokens whose keys a site serves.
func fetching(t *testing.T, s *site, c *clock) *Tokens {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	client := s.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	keys, err := NewKeyURL(ctx, KeyURLOptions{URL: s.URL, Client: client, Now: c.now})
	assert.NoError(t, err)
	return newTokens(t, TokenOptions{Keys: keys, Now: func() time.Time { return now }})
}

const claims = `{"sub":"ada",` + soon + `}`

func TestP11_KeysAreFetchedOnceForAll(t *testing.T) {
	t.Parallel()
	i := newIssuer(t, "a")
	s := newSite(t, serving(i.jwks(t)))
	tokens := fetching(t, s, &clock{})
	var all sync.WaitGroup
	for range 50 {
		token := i.token(t, "a", claims)
		all.Go(func() {
			who, err := tokens.Verify(t.Context(), token)
			assert.NoError(t, err)
			assert.Equal(t, "who", who.ID, "ada")
		})
	}
	all.Wait()
	assert.Equal(t, "fetches", s.asked.Load(), 1)
}

func TestP11_KeysRotateAndNobodyIsLoggedOut(t *testing.T) {
	t.Parallel()
	i := newIssuer(t, "old", "new")
	old := &issuer{map[string]crypto.Signer{"old": i.keys["old"]}}
	s, c := newSite(t, serving(old.jwks(t))), &clock{}
	tokens := fetching(t, s, c)
	_, err := tokens.Verify(t.Context(), i.token(t, "old", claims))
	assert.NoError(t, err)
	s.set(serving(i.jwks(t)))
	c.forward(retryAfter)
	_, err = tokens.Verify(t.Context(), i.token(t, "new", claims))
	assert.NoError(t, err, "the new key is fetched while the token waits")
	_, err = tokens.Verify(t.Context(), i.token(t, "old", claims))
	assert.NoError(t, err, "the old key still counts")
	assert.Equal(t, "fetches", s.asked.Load(), 2)
}

func TestP11_UnknownKeysAreAskedForOnceAMinute(t *testing.T) {
	t.Parallel()
	i := newIssuer(t, "a")
	s, c := newSite(t, serving(i.jwks(t))), &clock{}
	tokens := fetching(t, s, c)
	stranger := newIssuer(t, "x")
	for range 20 {
		_, err := tokens.Verify(t.Context(), stranger.token(t, "x", claims))
		refusedWith(t, "unknown key", err, Unauthorized)
	}
	assert.Equal(t, "fetches", s.asked.Load(), 1)
	c.forward(retryAfter)
	_, err := tokens.Verify(t.Context(), stranger.token(t, "x", claims))
	refusedWith(t, "unknown key", err, Unauthorized)
	assert.Equal(t, "fetches", s.asked.Load(), 2)
}

func TestP11_AnIssuerInTrouble(t *testing.T) {
	t.Parallel()
	i := newIssuer(t, "a")
	for what, answer := range map[string]http.HandlerFunc{
		"away":     func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) },
		"HTML":     serving([]byte("<html>Welcome</html>")),
		"empty":    serving(nil),
		"moved":    func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) },
		"too long": serving([]byte(`{"keys":[],"x":"` + strings.Repeat("x", maxKeySet) + `"}`)),
		"endless": func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 1<<16)); err != nil {
					return
				}
			}
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			s, c := newSite(t, answer), &clock{}
			tokens := fetching(t, s, c)
			_, err := tokens.Verify(t.Context(), i.token(t, "a", claims))
			assert.Equal(t, "the client may come back", errors.Is(err, errKeysAway), true)
			s.set(serving(i.jwks(t)))
			c.forward(retryAfter)
			_, err = tokens.Verify(t.Context(), i.token(t, "a", claims))
			assert.NoError(t, err)

			s.set(answer)
			c.forward(refreshAfter)
			assert.Eventually(t, "asked again in the background", func() bool {
				_, err = tokens.Verify(t.Context(), i.token(t, "a", claims))
				return err == nil && s.asked.Load() == 3
			})
			_, err = tokens.Verify(t.Context(), i.token(t, "a", claims))
			assert.NoError(t, err, "the keys that are there still count")
			c.forward(forgetAfter)
			_, err = tokens.Verify(t.Context(), i.token(t, "a", claims))
			assert.Equal(t, "but not for ever", errors.Is(err, errKeysAway), true)
		})
	}
}

func TestP11_ASlowIssuerHoldsOnlyUnknownKeys(t *testing.T) {
	t.Parallel()
	i := newIssuer(t, "a", "b")
	known := &issuer{map[string]crypto.Signer{"a": i.keys["a"]}}
	s, c := newSite(t, serving(known.jwks(t))), &clock{}
	tokens := fetching(t, s, c)
	_, err := tokens.Verify(t.Context(), i.token(t, "a", claims))
	assert.NoError(t, err)
	release := make(chan struct{})
	s.set(func(w http.ResponseWriter, _ *http.Request) {
		<-release
		w.Write(i.jwks(t))
	})
	c.forward(retryAfter)
	waiting := make(chan error, 1)
	go func() {
		_, err := tokens.Verify(t.Context(), i.token(t, "b", claims))
		waiting <- err
	}()
	assert.Eventually(t, "asked", func() bool { return s.asked.Load() == 2 })
	_, err = tokens.Verify(t.Context(), i.token(t, "a", claims))
	assert.NoError(t, err, "a known key does not wait")
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = tokens.Verify(gone, i.token(t, "b", claims))
	assert.Equal(t, "a client that leaves does not wait", errors.Is(err, errKeysAway), true)
	close(release)
	assert.NoError(t, assert.Receive(t, "answer", waiting))
}

func TestAddressesOfKeys(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{
		"https://id.example/keys": true, "http://127.0.0.1:80/keys": true, "http://localhost/keys": true,
		"http://id.example/keys": false, "file:///etc/passwd": false, "": false, "https://": false, "id.example": false,
	} {
		_, err := NewKeyURL(t.Context(), KeyURLOptions{URL: address})
		assert.Equal(t, address, err == nil, want)
	}
}
