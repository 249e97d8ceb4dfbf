package app

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/test/issuer"
	"scalable-chat/server/internal/test/journal"
	"scalable-chat/server/internal/test/redistest"
)

// secrets are what a test has used and nobody may read.
type secrets map[string]string

// notIn fails if a text holds one of them.
func (s secrets) notIn(t *testing.T, where, text string) {
	t.Helper()
	assert.Equal(t, where+" is not empty", text != "", true)
	for what, secret := range s {
		if strings.Contains(text, secret) {
			at := strings.Index(text, secret)
			t.Errorf("%s has %s: …%s", where, what, text[max(at-120, 0):at])
		}
	}
}

// verbose runs a node that logs everything.
func verbose(t *testing.T, format string, flags ...string) (*App, *journal.Journal) {
	t.Helper()
	log := &journal.Journal{}
	options := &slog.HandlerOptions{Level: slog.LevelDebug, AddSource: true}
	handler := map[string]slog.Handler{"json": slog.NewJSONHandler(log, options), "text": slog.NewTextHandler(log, options)}[format]
	a := startWith(t, defaultTimeouts, slog.New(handler), append(flags, "--log-format="+format, "--log-level=debug", "--ops-addr=127.0.0.1:0")...)
	return a, log
}

// TestP11_NoSecretInAnyLog: nor in what a node tells of itself, whatever clients do with theirs.
func TestP11_NoSecretInAnyLog(t *testing.T) {
	site := issuer.NewSite(t, troubles["away"])
	for format, flags := range map[string][]string{
		"text": {"--auth-jwt-secret=" + tokenSecret}, "json": {"--auth-jwks-url=" + strings.Replace(site.URL, "//", "//name:hidden-password@", 1) + "/keys?key=hidden-key"},
	} {
		t.Run(format, func(t *testing.T) {
			r := redistest.Start(t, "--requirepass", "hidden-password-of-redis")
			s := secrets{"the issuer's secret": tokenSecret, "what is hidden": "hidden", "the secret of guests": "guests' own secret"}
			flags := append(flags, "--auth=jwt,guest", "--redis-url="+r.URL(), "--redis-passwd=hidden-password-of-redis",
				"--auth-secret="+strings.Repeat("guests' own secret ", 2), "--cluster-secret=hidden cluster secret")
			a, log := verbose(t, format, flags...)
			b, other := verbose(t, format, flags...)
			for _, node := range []*App{a, b} {
				s.useAll(t, node)
			}
			r.Kill() // errors are logged with their causes
			assert.Eventually(t, "trouble is logged", func() bool { return strings.Contains(log.String()+other.String(), "refused") })
			s.notIn(t, "a log", log.String())
			s.notIn(t, "another log", other.String())
			for _, path := range []string{"/metrics", "/readyz", "/livez", "/debug/pprof/goroutine?debug=2", "/debug/pprof/cmdline"} {
				w := newRecorder()
				a.private.server.Handler.ServeHTTP(w, newRequest(path))
				body, err := io.ReadAll(w.Body)
				assert.NoError(t, err)
				s.notIn(t, path, string(body))
			}
			for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
				s.notIn(t, "the configuration as "+verb, fmt.Sprintf(verb, a.cfg)+fmt.Sprintf(verb, a.cfg.Auth)+fmt.Sprintf(verb, a.cfg.Redis))
			}
		})
	}
}

// useAll does what clients do with secrets, also what they should not.
func (s secrets) useAll(t *testing.T, a *App) {
	t.Helper()
	_, guest := come(t, a, "/")
	tokens := map[string]string{
		"a guest's token": guest.Token, "a forged guest": guest.Token[:len(guest.Token)-1] + "~", "a good token": tokenFor(t, "ada", time.Hour, `,"name":"Ada"`),
		"an expired token": tokenFor(t, "ada", -time.Hour, ""), "a forged token": tokenFor(t, "ada", time.Hour, "") + "x", "a long token": strings.Repeat("AB.", 9000),
		"a token of an unknown key": issuer.New(t, "k").Token(t, "k", claims("ada", time.Hour, "")),
	}
	for what, token := range tokens {
		s[what+" of "+a.Addr()] = token
		for _, namespace := range []string{"/", "/rooms/cats", "/elsewhere"} {
			for _, name := range []string{"token", "pid"} {
				s.try(t, a, connecting(namespace, name, token, "offset", "1-1"))
			}
		}
		s.try(t, a, "40", `420["token",{"token":"`+token+`"}]`, `421["event:message",{"message":"m","username":7,"token":"`+token+`"}]`,
			`422["`+token+`",1]`, `423["history",{"before":"`+token+`"}]`, `4{`+token)
		if r, err := dialAt(a.Addr(), "&token="+token[:min(len(token), 500)], "Authorization: Bearer "+token[:min(len(token), 500)]); err == nil {
			r.close()
		}
	}
}

// try sends packets and reads until nothing more comes, and remembers the private ids that it got.
func (s secrets) try(t *testing.T, a *App, packets ...string) {
	t.Helper()
	r, err := dial(a.Addr())
	assert.NoError(t, err)
	defer r.close()
	_ = r.write(packets...)
	_ = r.net.SetReadDeadline(time.Now().Add(30 * time.Millisecond))
	for err == nil {
		var p string
		if p, err = r.read(); strings.Contains(p, `"pid":"`) {
			_, pid, _ := strings.Cut(p, `"pid":"`)
			pid, _, _ = strings.Cut(pid, `"`)
			s["private id "+pid[:8]] = pid
		}
	}
}

// TestP11_GuestsAndTokensPrintNoSecret: values that hold credentials show none of them.
func TestP11_GuestsAndTokensPrintNoSecret(t *testing.T) {
	a := start(t, append(withTokens, "--auth-secret="+strings.Repeat("guests' own secret ", 2))...)
	s := secrets{"the secret of guests": "guests' own secret", "the issuer's": tokenSecret}
	for _, v := range []any{a.policy, *a.policy, a.policy.Guests, a.policy.Tokens} {
		s.notIn(t, fmt.Sprintf("%T", v), fmt.Sprintf("%v %+v", v, v))
	}
}
