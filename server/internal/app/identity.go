package app

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"

	"scalable-chat/server/internal/admission"
	"scalable-chat/server/internal/auth"
	"scalable-chat/server/internal/chat"
	"scalable-chat/server/internal/config"
	"scalable-chat/server/internal/room"
)

// newPolicy makes what decides for whom clients speak. ctx bounds the life of what it does in background. The secret of guests
// is one of this process, unless the settings, the other nodes or the record in DATA_DIR have another.
func newPolicy(ctx context.Context, cfg config.Auth, log *slog.Logger) (*auth.Policy, error) {
	secrets := cfg.Secrets
	if len(secrets) == 0 {
		secrets = []string{rand.Text() + rand.Text()}
	}
	guests, err := auth.NewGuests(secrets...)
	if err != nil {
		return nil, err
	}
	p := &auth.Policy{Guests: guests, GuestRight: guestRight(cfg)}
	if cfg.Tokens {
		p.Tokens, err = newTokens(ctx, cfg, log)
	}
	return p, err
}

func guestRight(cfg config.Auth) auth.Right {
	switch {
	case !cfg.Guests:
		return auth.None
	case cfg.GuestsMay == "read":
		return auth.Read
	}
	return auth.Write
}

func newTokens(ctx context.Context, cfg config.Auth, log *slog.Logger) (*auth.Tokens, error) {
	keys, err := newKeys(ctx, cfg, log)
	if err != nil {
		return nil, fmt.Errorf("the keys of the issuer: %w", err)
	}
	return auth.NewTokens(auth.TokenOptions{Keys: keys, Issuer: cfg.Issuer, Audience: cfg.Audience, IDClaim: cfg.IDClaim})
}

func newKeys(ctx context.Context, cfg config.Auth, log *slog.Logger) (auth.Keys, error) {
	switch {
	case cfg.JWKSURL != "":
		return auth.NewKeyURL(ctx, auth.KeyURLOptions{URL: cfg.JWKSURL, Logger: log})
	case cfg.JWKSFile != "":
		return auth.NewKeyFile(cfg.JWKSFile)
	}
	return auth.NewSecret(cfg.JWTSecret)
}

// door makes what admits CONNECTs.
func (a *App) door() *admission.Door {
	return admission.New(admission.Options{Authenticator: a.policy, Grace: a.timeouts.grace, Refused: a.metrics.RoomRefused})
}

// shareGuests is the callback for the secret that outlives this process or is shared by all nodes; nil if the settings have one.
func (h host) shareGuests() func(string) {
	if len(h.cfg.Auth.Secrets) > 0 {
		return nil
	}
	return func(secret string) {
		if err := h.guests.Use(secret); err != nil {
			h.log.Error("the secret of guests that is kept", "error", err)
		}
	}
}

// welcome tells clients of the settings.
func welcome(cfg config.Config) *room.Welcome {
	l := room.Limits{
		MessageChars: cfg.MaxMessageChars, UsernameChars: chat.MaxUsernameChars, PayloadBytes: cfg.MaxPayloadBytes,
		DedupeMs: cfg.DedupeTTL.Milliseconds(), AppendMs: cfg.AppendTimeout.Milliseconds(),
		MessageRate: cfg.MessageRate, MessageBurst: cfg.MessageBurst,
		RequestRate: chat.RequestRate, RequestBurst: chat.RequestBurst,
		HistoryMessages: chat.HistoryMessages, HistoryOnJoin: cfg.HistoryMax,
	}
	if cfg.Rooms.Enabled() {
		l.Rooms = cfg.Rooms.MaxPerConnection
	}
	return room.NewWelcome(l)
}
