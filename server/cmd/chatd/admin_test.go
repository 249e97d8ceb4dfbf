package main

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"scalable-chat/server/internal/chat"
	"scalable-chat/server/internal/config"
	"scalable-chat/server/internal/ops"
	"scalable-chat/server/internal/test/assert"
)

const adminTestKey = "0123456789abcdef0123456789abcdef"

// run runs chatd admin against the process and returns what it prints.
func (p *process) admin(t *testing.T, code int, args ...string) (out, bad string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	all := append([]string{args[0], "--url=" + p.url}, args[1:]...)
	assert.Equal(t, strings.Join(args, " "), admin(all, strings.NewReader("from the input\n"), &stdout, &stderr), code)
	return stdout.String(), stderr.String()
}

func TestAdminUsesTheAPI(t *testing.T) {
	p := start(t, "--api-keys="+adminTestKey)
	_, bad := p.admin(t, exitFailed, "nodes")
	assert.Equal(t, "without a key", strings.HasPrefix(bad, "chatd admin: unauthorized: "), true)
	t.Setenv(config.AdminKey, adminTestKey)
	for _, c := range []struct{ args, shows string }{
		{"publish --room cats --as 7 --name Ada --id 1 hello", "stored  20"},
		{"publish --room cats -", "stored  20"},
		{"publish --room cats \x1b[2J\n", "stored  20"},
		{"history --room cats", "7        Ada (verified)     hello\n"},
		{"history --room cats", "~system  system (verified)  from the input\n"},
		{"history --room cats", `\u001b[2J\u000a` + "\n"},
		{"history --room cats --limit 1", "older ones: --before "},
		{"history", ""},
		{"rooms", "cats  0 online\n"},
		{"nodes", "0 connections  (this one)\n"},
		{"top", "/     0 sockets  0.00 messages/s  0 bytes/s"},
		{"top --limit 1", "cats  0 sockets  0."},
		{"top --json", `"deliveriesPerSecond":`},
		{"people --room cats", "0 online\n"},
		{"people", "0 online\n"},
	} {
		args := strings.SplitN(c.args, " ", 1+strings.Count(c.args, " "))
		out, bad := p.admin(t, exitOK, args...)
		assert.Equal(t, c.args+": errors", bad, "")
		if !strings.Contains(out, c.shows) {
			t.Errorf("%s: %q", c.args, out)
		}
	}
	out, _ := p.admin(t, exitOK, "history", "--json", "--room", "cats")
	var past chat.Past
	assert.NoError(t, json.Unmarshal([]byte(out), &past))
	assert.Equal(t, "messages", len(past.Messages), 3)
}

// TestAdminChangesTheLevelOfTheLog, and asks for it, on the private port.
func TestAdminChangesTheLevelOfTheLog(t *testing.T) {
	var log bytes.Buffer
	logger := ops.NewLogger(slog.LevelInfo, "text", &log)
	private := httptest.NewServer(ops.Private(&ops.Health{}, ops.NewMetrics(ops.Catalogues{}), logger))
	defer private.Close()
	p := &process{url: private.URL}
	for _, c := range []struct {
		args, shows string
		code        int
	}{
		{"log-level", "info\n", exitOK},
		{"log-level debug", "debug\n", exitOK},
		{"log-level loud", "", exitFailed},
		{"log-level --json", `"debug"` + "\n", exitOK},
		{"log-level warn", "warn\n", exitOK},
	} {
		out, bad := p.admin(t, c.code, strings.Fields(c.args)...)
		assert.Equal(t, c.args, out, c.shows)
		assert.Equal(t, c.args+" says why", strings.Contains(bad, "debug, info, warn or error"), c.code == exitFailed)
	}
	logger.Info("not this")
	assert.Equal(t, "the level is in force", strings.Contains(log.String(), "not this"), false)
}

func TestAdminRefusesWhatItCannotDo(t *testing.T) {
	elsewhere := httptest.NewServer(http.NotFoundHandler())
	defer elsewhere.Close()
	redirect := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	defer redirect.Close()
	t.Setenv(config.AdminKey, adminTestKey)
	for args, want := range map[string]struct {
		code int
		says string
	}{
		"":                                  {exitOK, ""},
		"help":                              {exitOK, ""},
		"nodes --help":                      {exitOK, "-url"},
		"shout":                             {exitUsage, "no command"},
		"nodes now":                         {exitUsage, "unexpected"},
		"publish":                           {exitUsage, "one MESSAGE"},
		"publish a --room b":                {exitUsage, "one MESSAGE"},
		"nodes --key=" + adminTestKey:       {exitUsage, "not defined"},
		"history --room ..":                 {exitUsage, "not the name of a room"},
		"history --room .":                  {exitUsage, "not the name of a room"},
		"people --room=a/../b":              {exitUsage, "not the name of a room"},
		"publish --room %2e%2e a":           {exitUsage, "not the name of a room"},
		"publish --room= a":                 {exitUsage, "--room is empty"},
		"publish --as= a":                   {exitUsage, "--as is empty"},
		"publish --as 7 --name= a":          {exitUsage, "--name is empty"},
		"publish --id= a":                   {exitUsage, "--id is empty"},
		"publish --as \xff a":               {exitUsage, "--as is no text"},
		"publish \xff":                      {exitUsage, "message is no text"},
		"history --before=":                 {exitUsage, "--before is empty"},
		"history --limit=":                  {exitUsage, "invalid value"},
		"rooms --after=":                    {exitUsage, "--after is empty"},
		"nodes --url=":                      {exitUsage, "--url is empty"},
		"top --limit x":                     {exitUsage, "invalid value"},
		"log-level debug info":              {exitUsage, "one LEVEL"},
		"log-level --url " + elsewhere.URL:  {exitFailed, "OPS_ADDR"},
		"nodes --url 127.0.0.1:9100":        {exitFailed, "--url must be"},
		"nodes --url file:///etc/passwd":    {exitFailed, "--url must be"},
		"nodes --url " + elsewhere.URL:      {exitFailed, "OPS_ADDR"},
		"nodes --url " + redirect.URL:       {exitFailed, "307"},
		"nodes --url http://127.0.0.1:1/xy": {exitFailed, "refused"},
	} {
		var stdout, stderr bytes.Buffer
		assert.Equal(t, args, run(append([]string{"admin"}, strings.Fields(args)...), &stdout, &stderr), want.code)
		if !strings.Contains(stderr.String(), want.says) || want.says != "not defined" && strings.Contains(stderr.String(), adminTestKey) {
			t.Errorf("%s: %s", args, &stderr)
		}
	}
}
