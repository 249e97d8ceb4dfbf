package auth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"scalable-chat/server/internal/hosts"
)

// The bounds of fetching keys.
const (
	fetchTimeout = 5 * time.Second
	maxKeySet    = 512 << 10        // bytes of an answer
	refreshAfter = 15 * time.Minute // keys are fetched again, in the background
	forgetAfter  = 24 * time.Hour   // keys that could not be fetched again are not used any longer
	retryAfter   = time.Minute      // an unknown key leads to another fetch after that at the earliest
	retryFailed  = 10 * time.Second // the same after a fetch that failed
)

// errKeysAway is for a client that may come back: the keys were not fetched in time.
var errKeysAway = errors.New("the keys of the issuer cannot be fetched at the moment")

// KeyURLOptions configure [NewKeyURL]. URL is required.
type KeyURLOptions struct {
	URL    string       // https, or http to a loopback address
	Client *http.Client // nil: one that follows no redirect
	Now    func() time.Time
	Logger *slog.Logger
}

// keyURL fetches the public keys of an issuer, one fetch at a time. A token whose key is known never waits.
type keyURL struct {
	opts KeyURLOptions
	host string // of the address, for the log
	life context.Context

	mu      sync.Mutex
	keys    keySet
	fetched time.Time     // when keys were fetched
	tried   time.Time     // when the newest fetch began
	flight  chan struct{} // closed when the fetch under way ends; nil: none is under way
}

// NewKeyURL verifies RS256, ES256 and EdDSA with the public keys of a JWKS that an issuer serves (RFC 7517). It fetches them
// when they are first needed, keeps them, and fetches them again from time to time and for keys that it does not know, at
// most once a minute, or every ten seconds while that fails. Fetches end with ctx.
func NewKeyURL(ctx context.Context, o KeyURLOptions) (Keys, error) {
	u, err := url.Parse(o.URL)
	if err != nil || !hosts.IsSecure(u) {
		return nil, fmt.Errorf("%q is no https address", o.URL)
	}
	if o.Client == nil {
		o.Client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return &keyURL{opts: o, host: u.Host, life: ctx}, nil
}

func (k *keyURL) Algorithms() []jose.SignatureAlgorithm { return publicAlgorithms }

// Key waits for a fetch only if the key is not known.
func (k *keyURL) Key(ctx context.Context, header jose.Header) (any, error) {
	key, known, flight := k.look(header)
	if key != nil {
		return key, nil
	}
	if flight != nil {
		select {
		case <-flight:
		case <-ctx.Done():
			return nil, errKeysAway
		}
		if key, known, _ = k.look(header); key != nil {
			return key, nil
		}
	}
	if !known {
		return nil, errKeysAway
	}
	return nil, errInvalid
}

// look finds a key among those that are known, and starts a fetch if one is due. known tells whether a key that is not found
// does not exist: there are keys, and the newest fetch did not fail. flight is the fetch under way.
func (k *keyURL) look(header jose.Header) (key any, known bool, flight <-chan struct{}) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.opts.Now()
	age := now.Sub(k.fetched)
	if known = k.keys != nil && age < forgetAfter; known {
		key = k.keys.find(header)
	}
	pause := retryAfter
	if k.fetched.Before(k.tried) {
		pause = retryFailed
	}
	if due := key == nil || age >= refreshAfter; due && k.flight == nil && now.Sub(k.tried) >= pause {
		k.tried, k.flight = now, make(chan struct{})
		go k.refresh(k.flight)
	}
	return key, known && !k.fetched.Before(k.tried), k.flight
}

// refresh fetches the keys once. A failure leaves the old ones.
func (k *keyURL) refresh(done chan struct{}) {
	keys, err := k.fetch()
	k.mu.Lock()
	defer k.mu.Unlock()
	k.flight = nil
	close(done)
	if err != nil {
		k.opts.Logger.Warn("the keys of the issuer cannot be fetched", "host", k.host, "error", err)
		return
	}
	k.keys, k.fetched = keys, k.opts.Now()
}

// withoutAddress returns what went wrong without the address, in which an operator may keep a secret.
func withoutAddress(err error) error {
	var of *url.Error
	if errors.As(err, &of) {
		return of.Err
	}
	return err
}

func (k *keyURL) fetch() (keySet, error) {
	ctx, cancel := context.WithTimeout(k.life, fetchTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, k.opts.URL, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/json")
	answer, err := k.opts.Client.Do(request)
	if err != nil {
		return nil, withoutAddress(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %s", answer.Status)
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxKeySet+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxKeySet {
		return nil, errors.New("the answer is too large")
	}
	return parseKeys(text)
}
