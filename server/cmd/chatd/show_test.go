package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode"

	"scalable-chat/server/internal/test/assert"
)

// answering runs chatd admin against a server that always gives the same answer.
func answering(t *testing.T, args, answer string, status int) (code int, stdout, stderr string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	defer server.Close()
	words := strings.Fields(args)
	var out, bad bytes.Buffer
	code = admin(append([]string{words[0], "--url", server.URL}, words[1:]...), strings.NewReader(""), &out, &bad)
	for _, r := range out.String() + bad.String() {
		if !unicode.IsPrint(r) && r != '\n' {
			t.Errorf("%s prints %q: %q", args, r, out.String()+bad.String())
		}
	}
	return code, out.String(), bad.String()
}

const someMessage = `{"message":"hi","username":"Ada","id":"1","from":"7","verified":true,"at":0,"offset":"5-1"}`

// TestAdminTakesNoAnswerThatIsNone: neither of something else at the address, nor one that would lead a script in a circle.
func TestAdminTakesNoAnswerThatIsNone(t *testing.T) {
	for args, answers := range map[string][]string{
		"publish hello": {`{}`, `null`, `[]`, ``, `<html>`, `{"status":"error"}`, `{"status":"ok"}x`, `"ok"`},
		"history": {
			`{}`, `{"status":"ok","messages":[{}]}`, `{"status":"ok","messages":[{"offset":"$(reboot)"}],"more":true}`,
			`{"status":"ok","messages":{}}`, `{"status":"ok","messages":[` + someMessage + `]`,
		},
		"history --before 5-1": {`{"status":"ok","messages":[` + someMessage + `],"more":true}`},
		"rooms":                {`{}`, `{"rooms":null}`, `{"rooms":[{"name":"; reboot"}],"more":true}`, `{"rooms":[{"name":".."}]}`, `{"rooms":[{}]}`},
		"rooms --after dogs":   {`{"rooms":[{"name":"dogs"}],"more":true}`, `{"rooms":[{"name":"cats"}],"more":true}`},
		"nodes":                {`{}`, `{"nodes":7}`},
		"people":               {`{}`, `{"people":["Ada"]}`},
	} {
		for _, answer := range append(answers, strings.Repeat("[", 100_000), "\x00\x1b[2J", strings.Repeat(" ", maxAnswer+1)) {
			for _, how := range []string{"", " --json"} {
				words := strings.Fields(args)
				code, out, bad := answering(t, words[0]+how+" "+strings.Join(words[1:], " "), answer, http.StatusOK)
				assert.Equal(t, fmt.Sprintf("%s%s of %.100q", args, how, answer), code, exitFailed)
				assert.Equal(t, "printed", out, "")
				assert.Equal(t, "one line: "+bad, strings.HasPrefix(bad, "chatd admin: the answer") && strings.Count(bad, "\n") == 1, true)
			}
		}
	}
}

// TestAdminShowsWhatOthersWrote, without obeying it: no answer controls the terminal, none looks like the mark of verified names,
// and an empty page with more behind it has no place to continue from.
func TestAdminShowsWhatOthersWrote(t *testing.T) {
	const evil = "\\u001b[2J\u009b1m\u202e\U000e0001\\n\\t"
	const shown = `\u001b[2J\u009b1m\u202e\udb40\udc01\u000a\u0009`
	for _, c := range []struct{ args, answer, out string }{
		{"history", `{"status":"ok","messages":[],"more":true}`, ""},
		{"history", `{"status":"ok","messages":null,"more":true}`, ""},
		{"rooms", `{"rooms":[],"more":true}`, ""},
		{"rooms", `{"rooms":[{"name":"cats","online":-1}],"more":true}`, "cats  -1 online\nmore: --after cats\n"},
		{"history", `{"status":"ok","messages":[` + someMessage + `],"more":true}`, "5-1  1970-01-01 00:00:00  7  Ada (verified)  hi\nolder ones: --before 5-1\n"},
		{"history", `{"status":"ok","messages":[{"offset":"5-1","message":"` + evil + `","username":"a","from":"` + evil + `"}]}`, "5-1  1970-01-01 00:00:00  " + shown + `  "a"  ` + shown + "\n"},
		{"people", `{"total":1,"people":[{"id":"` + evil + `","name":"Ada (verified)"}]}`, "1 online\n" + shown + `  "Ada (verified)"` + "\n"},
		{"people", `{"people":[{"id":"7","name":"a\"  b","verified":true},{"id":"8","name":"a\"  b"}]}`, "0 online\n7  a\"  b (verified)\n" + `8  "a\"  b"` + "\n"},
		{"nodes", `{"nodes":[{"id":"` + evil + `","address":"` + evil + `"}]}`, shown + "  " + shown + "  0 connections  \n"},
		{"publish x", `{"status":"ok","id":"` + evil + `","at":9223372036854775807}`, "stored  292278994-08-17 07:12:55  " + shown + "\n"},
		{"people --json", "{\"people\":[],\"x\":\"\u009b\U000e0001\x7f\xff\"}\n", `{"people":[],"x":"\u009b\udb40\udc01\u007f` + "\uFFFD\"}\n"},
	} {
		code, out, bad := answering(t, c.args, c.answer, http.StatusOK)
		assert.Equal(t, c.args+": "+bad, code, exitOK)
		assert.Equal(t, c.args, out, c.out)
	}
	code, _, bad := answering(t, "nodes", `{"status":"error","code":"`+evil+`","message":"`+evil+`"}`, http.StatusForbidden)
	assert.Equal(t, "a refusal", code, exitFailed)
	assert.Equal(t, "a refusal", bad, "chatd admin: "+shown+": "+shown+"\n")
}

// TestAdminPublishesNoPartOfTheInput: what is too long is not cut off.
func TestAdminPublishesNoPartOfTheInput(t *testing.T) {
	var out, bad bytes.Buffer
	code := admin([]string{"publish", "--url", "http://127.0.0.1:1", "-"}, strings.NewReader(strings.Repeat("x", maxAnswer+1)), &out, &bad)
	assert.Equal(t, bad.String(), code, exitUsage)
	assert.Equal(t, "why", strings.Contains(bad.String(), "the input: longer"), true)
}
