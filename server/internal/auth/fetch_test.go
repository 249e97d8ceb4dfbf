package auth

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/test/issuer"
	"scalable-chat/server/internal/test/journal"
)

// clock is a time that a test moves.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time          { return now.Add(time.Duration(c.ahead.Load())) }
func (c *clock) forward(d time.Duration) { c.ahead.Add(int64(d)) }

// fetching makes tokens whose keys a site serves.
func fetching(t *testing.T, s *issuer.Site, c *clock) *Tokens {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	client := s.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	keys, err := NewKeyURL(ctx, KeyURLOptions{URL: s.URL, Client: client, Now: c.now})
	assert.NoError(t, err)
	return newTokens(t, TokenOptions{Keys: keys, Now: func() time.Time { return now }})
}

// known makes such tokens of a site that serves one key of the issuer, and has that key fetched.
func known(t *testing.T, i *issuer.Issuer, kid string) (*issuer.Site, *clock, *Tokens) {
	t.Helper()
	s, c := issuer.NewSite(t, issuer.Serving(i.JWKS(t, kid))), &clock{}
	tokens := fetching(t, s, c)
	_, err := tokens.Verify(t.Context(), i.Token(t, kid, claims))
	assert.NoError(t, err)
	return s, c, tokens
}

const claims = `{"sub":"ada",` + soon + `}`

func TestP11_KeysAreFetchedOnceForAll(t *testing.T) {
	t.Parallel()
	i := issuer.New(t, "a")
	s := issuer.NewSite(t, issuer.Serving(i.JWKS(t)))
	tokens := fetching(t, s, &clock{})
	var all sync.WaitGroup
	for range 50 {
		token := i.Token(t, "a", claims)
		all.Go(func() {
			who, err := tokens.Verify(t.Context(), token)
			assert.NoError(t, err)
			assert.Equal(t, "who", who.ID, "ada")
		})
	}
	all.Wait()
	assert.Equal(t, "fetches", s.Asked.Load(), 1)
}

func TestP11_KeysRotateAndNobodyIsLoggedOut(t *testing.T) {
	t.Parallel()
	i := issuer.New(t, "old", "new")
	s, c, tokens := known(t, i, "old")
	s.Set(issuer.Serving(i.JWKS(t)))
	c.forward(retryAfter)
	_, err := tokens.Verify(t.Context(), i.Token(t, "new", claims))
	assert.NoError(t, err, "the new key is fetched while the token waits")
	_, err = tokens.Verify(t.Context(), i.Token(t, "old", claims))
	assert.NoError(t, err, "the old key still counts")
	assert.Equal(t, "fetches", s.Asked.Load(), 2)
}

func TestP11_UnknownKeysAreAskedForOnceAMinute(t *testing.T) {
	t.Parallel()
	i := issuer.New(t, "a")
	s, c := issuer.NewSite(t, issuer.Serving(i.JWKS(t))), &clock{}
	tokens := fetching(t, s, c)
	stranger := issuer.New(t, "x")
	for range 20 {
		_, err := tokens.Verify(t.Context(), stranger.Token(t, "x", claims))
		refusedWith(t, "unknown key", err, Unauthorized)
	}
	assert.Equal(t, "fetches", s.Asked.Load(), 1)
	c.forward(retryAfter)
	_, err := tokens.Verify(t.Context(), stranger.Token(t, "x", claims))
	refusedWith(t, "unknown key", err, Unauthorized)
	assert.Equal(t, "fetches", s.Asked.Load(), 2)
}

func TestP11_AnIssuerInTrouble(t *testing.T) {
	t.Parallel()
	i := issuer.New(t, "a")
	for what, answer := range map[string]http.HandlerFunc{
		"away":     func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) },
		"HTML":     issuer.Serving([]byte("<html>Welcome</html>")),
		"empty":    issuer.Serving(nil),
		"moved":    func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) },
		"too long": issuer.Serving([]byte(`{"keys":[],"x":"` + strings.Repeat("x", maxKeySet) + `"}`)),
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
			s, c := issuer.NewSite(t, answer), &clock{}
			tokens := fetching(t, s, c)
			_, err := tokens.Verify(t.Context(), i.Token(t, "a", claims))
			assert.Equal(t, "the client may come back", errors.Is(err, errKeysAway), true)
			s.Set(issuer.Serving(i.JWKS(t)))
			c.forward(retryAfter)
			_, err = tokens.Verify(t.Context(), i.Token(t, "a", claims))
			assert.NoError(t, err)

			s.Set(answer)
			c.forward(refreshAfter)
			assert.Eventually(t, "asked again in the background", func() bool {
				_, err = tokens.Verify(t.Context(), i.Token(t, "a", claims))
				return err == nil && s.Asked.Load() == 3
			})
			_, err = tokens.Verify(t.Context(), i.Token(t, "a", claims))
			assert.NoError(t, err, "the keys that are there still count")
			c.forward(forgetAfter)
			_, err = tokens.Verify(t.Context(), i.Token(t, "a", claims))
			assert.Equal(t, "but not for ever", errors.Is(err, errKeysAway), true)
		})
	}
}

func TestP11_ASlowIssuerHoldsOnlyUnknownKeys(t *testing.T) {
	t.Parallel()
	i := issuer.New(t, "a", "b")
	s, c, tokens := known(t, i, "a")
	release := make(chan struct{})
	s.Set(func(w http.ResponseWriter, _ *http.Request) {
		<-release
		w.Write(i.JWKS(t))
	})
	c.forward(retryAfter)
	waiting := make(chan error, 1)
	go func() {
		_, err := tokens.Verify(t.Context(), i.Token(t, "b", claims))
		waiting <- err
	}()
	assert.Eventually(t, "asked", func() bool { return s.Asked.Load() == 2 })
	_, err := tokens.Verify(t.Context(), i.Token(t, "a", claims))
	assert.NoError(t, err, "a known key does not wait")
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = tokens.Verify(gone, i.Token(t, "b", claims))
	assert.Equal(t, "a client that leaves does not wait", errors.Is(err, errKeysAway), true)
	close(release)
	assert.NoError(t, assert.Receive(t, "answer", waiting))
}

func TestAddressesOfKeys(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{
		"https://id.example/keys": true, "http://127.0.0.1:80/keys": true, "http://localhost/keys": true, "http://127.0.0.2/keys": true,
		"http://id.example/keys": false, "file:///etc/passwd": false, "": false, "https://": false, "id.example": false,
	} {
		_, err := NewKeyURL(t.Context(), KeyURLOptions{URL: address})
		assert.Equal(t, address, err == nil, want)
	}
}

// TestP11_AnUnknownKeyIsNoRefusalWhileTheIssuerIsAway: the key may be a new one, and its users are not to be logged out.
func TestP11_AnUnknownKeyIsNoRefusalWhileTheIssuerIsAway(t *testing.T) {
	t.Parallel()
	i := issuer.New(t, "old", "new")
	s, c, tokens := known(t, i, "old")
	s.Set(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	c.forward(retryAfter)
	for range 3 { // while the fetch is under way, and after it has failed
		_, err := tokens.Verify(t.Context(), i.Token(t, "new", claims))
		assert.Equal(t, "the client may come back", errors.Is(err, errKeysAway), true)
	}
	s.Set(issuer.Serving(i.JWKS(t)))
	c.forward(retryAfter)
	_, err := tokens.Verify(t.Context(), i.Token(t, "new", claims))
	assert.NoError(t, err)
}

// TestP11_AnIssuerThatIsBackIsAskedSoon: clients come back every few seconds meanwhile, and each of them waits for nothing.
func TestP11_AnIssuerThatIsBackIsAskedSoon(t *testing.T) {
	t.Parallel()
	i := issuer.New(t, "a")
	s, c := issuer.NewSite(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }), &clock{}
	tokens := fetching(t, s, c)
	for range 20 {
		_, err := tokens.Verify(t.Context(), i.Token(t, "a", claims))
		assert.Equal(t, "the client may come back", errors.Is(err, errKeysAway), true)
	}
	assert.Equal(t, "fetches", s.Asked.Load(), 1)
	s.Set(issuer.Serving(i.JWKS(t)))
	c.forward(retryFailed)
	_, err := tokens.Verify(t.Context(), i.Token(t, "a", claims))
	assert.NoError(t, err)
	assert.Equal(t, "fetches", s.Asked.Load(), 2)
	_, err = tokens.Verify(t.Context(), i.Token(t, "a", claims))
	assert.NoError(t, err)
}

// TestP11_TheAddressOfTheKeysIsNotLogged: it may hold a secret.
func TestP11_TheAddressOfTheKeysIsNotLogged(t *testing.T) {
	t.Parallel()
	s := issuer.NewSite(t, func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) })
	var log journal.Journal
	address := strings.Replace(s.URL, "//", "//user:hidden-password@", 1) + "/hidden-path?key=hidden-key"
	keys, err := NewKeyURL(t.Context(), KeyURLOptions{URL: address, Logger: log.Logger()})
	assert.NoError(t, err)
	_, err = newTokens(t, TokenOptions{Keys: keys}).Verify(t.Context(), issuer.New(t, "a").Token(t, "a", claims))
	assert.Equal(t, "the client may come back", errors.Is(err, errKeysAway), true)
	assert.Eventually(t, "the failure is logged", func() bool { return log.Count("cannot be fetched") == 1 })
	assert.Equal(t, "what is hidden", log.Count("hidden"), 0)
}
