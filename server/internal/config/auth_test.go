package config

import (
	"strings"
	"testing"

	"scalable-chat/server/internal/test/assert"
)

const longSecret = "0123456789abcdef0123456789abcdef"

func TestP11_SettingsSayWhoMayConnect(t *testing.T) {
	clean(t)
	for args, want := range map[string]Auth{
		"": {Guests: true, GuestsMay: "write"},
		"--auth=JWT,guest --guests=off --auth-jwt-secret=" + longSecret: {Tokens: true, GuestsMay: "off", JWTSecret: longSecret},
		"--auth=jwt --auth-jwks-url=http://127.0.0.2:9/keys":            {Tokens: true, GuestsMay: "write", JWKSURL: "http://127.0.0.2:9/keys"},
		"--auth=jwt --auth-jwks-url=http://127.0.0.1:9/keys":            {Tokens: true, GuestsMay: "write", JWKSURL: "http://127.0.0.1:9/keys"},
	} {
		want.IDClaim = "sub"
		assert.Equal(t, args, mustLoad(t, strings.Fields(args)...).Auth, want)
	}
}

func TestP11_SettingsThatLetNobodyOrAnybodyInAreRefused(t *testing.T) {
	clean(t)
	for args, about := range map[string]string{
		"--guests=off": "GUESTS",
		"--auth=jwt":   "AUTH",
		"--auth=none":  "AUTH",
		"--auth=jwt,":  "AUTH",
		"--auth=jwt --auth-jwks-file=a --auth-jwt-secret=" + longSecret: "AUTH",
		"--auth=jwt --auth-jwks-url=http://issuer.example/keys":         "AUTH_JWKS_URL",
		"--auth-secret=" + longSecret + ",short":                        "AUTH_SECRET",
		"--auth-jwt-secret=short":                                       "AUTH_JWT_SECRET",
	} {
		got := problems(t, strings.Fields(args)...)
		if len(got) == 0 || !strings.HasPrefix(got[0], about+":") {
			t.Errorf("%s: %q", args, got)
		}
		if strings.Contains(strings.Join(got, " "), longSecret) {
			t.Errorf("%s: a secret is told: %q", args, got)
		}
	}
}

func TestP11_SecretsAreNotShown(t *testing.T) {
	clean(t)
	c := mustLoad(t, "--auth=jwt,guest", "--auth-secret="+longSecret, "--auth-jwks-url=https://a:b@issuer.example/keys?k="+longSecret)
	if text := c.LogValue().String(); strings.Contains(text, longSecret) || strings.Contains(text, ":b@") {
		t.Error(text)
	}
	c = mustLoad(t, "--guests=read", "--auth-jwt-issuer=x")
	assert.Equal(t, "warnings", c.Warnings, []string{"AUTH_JWT_ISSUER: has no effect without AUTH=jwt"})
}
