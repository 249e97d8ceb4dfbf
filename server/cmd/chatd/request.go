package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"scalable-chat/server/internal/chat"
)

// The bounds of a request to the API.
const (
	adminTimeout = 30 * time.Second
	maxAnswer    = 1 << 20 // bytes, far more than the API answers with
)

// request is a request to the HTTP API.
type request struct {
	path  []string // after /api/v1; each part is escaped
	query url.Values
	body  any    // nil: a GET
	bare  string // if not empty, the path instead, which is beside the API
	put   string // of a bare path: the text to put; empty: a GET
}

// send returns the answer. A key, if there is one, goes to this address only: redirects are not followed.
func (r request) send(ctx context.Context, address, key string) ([]byte, error) {
	prepared, err := r.prepare(ctx, address)
	if err != nil {
		return nil, err
	}
	if key != "" {
		prepared.Header.Set("Authorization", "Bearer "+key)
	}
	client := http.Client{
		Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	answer, err := client.Do(prepared)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	text, err := readAll(answer.Body)
	switch {
	case err != nil:
		return nil, fmt.Errorf("the answer: %w", err)
	case answer.StatusCode == http.StatusOK:
		return text, nil
	case r.bare != "" && answer.StatusCode == http.StatusBadRequest:
		return nil, errors.New(strings.TrimSpace(string(text)))
	}
	if refused, err := decode[chat.Refusal](text); err == nil && refused.Code != "" {
		return nil, fmt.Errorf("%s: %s", refused.Code, refused.Message)
	}
	return nil, fmt.Errorf("%s: %s; the API is on the port of OPS_ADDR, and on the public one if API_KEYS is set", prepared.URL.Redacted(), answer.Status)
}

func (r request) prepare(ctx context.Context, address string) (*http.Request, error) {
	at, err := url.Parse(address)
	if err != nil || at.Host == "" || at.Scheme != "http" && at.Scheme != "https" {
		return nil, errors.New("--url must be an address such as http://127.0.0.1:9100")
	}
	parts := []string{"api", "v1"}
	for _, part := range r.path {
		parts = append(parts, url.PathEscape(part))
	}
	if r.bare != "" {
		return r.prepareBare(ctx, at.JoinPath(r.bare))
	}
	at = at.JoinPath(strings.Join(parts, "/"))
	at.RawQuery = r.query.Encode()
	if r.body == nil {
		return http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	}
	body, err := json.Marshal(r.body)
	if err != nil {
		return nil, err
	}
	prepared, err := http.NewRequestWithContext(ctx, http.MethodPost, at.String(), bytes.NewReader(body))
	if err == nil {
		prepared.Header.Set("Content-Type", "application/json")
	}
	return prepared, err
}

func (r request) prepareBare(ctx context.Context, at *url.URL) (*http.Request, error) {
	if r.put == "" {
		return http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	}
	return http.NewRequestWithContext(ctx, http.MethodPut, at.String(), strings.NewReader(r.put))
}

var errLong = fmt.Errorf("longer than %d bytes", maxAnswer)

// readAll reads up to [maxAnswer] bytes; more are an error, never a part of them.
func readAll(from io.Reader) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(from, maxAnswer+1))
	if err == nil && len(text) > maxAnswer {
		err = errLong
	}
	return text, err
}

func decode[T any](text []byte) (answer T, err error) {
	err = json.Unmarshal(text, &answer)
	return answer, err
}
