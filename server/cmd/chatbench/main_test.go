package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"scalable-chat/server/internal/test/assert"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// loadResult runs `chatbench load` and returns what it printed and how it ended.
func loadResult(t *testing.T, args ...string) (result, error) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	err := run(t.Context(), append([]string{"load", "-json"}, args...), &stdout, &stderr)
	var r result
	if e := json.Unmarshal(stdout.Bytes(), &r); e != nil {
		t.Fatalf("no result: %v, %v; stderr: %s", err, e, &stderr)
	}
	return r, err
}

func TestExitCodes(t *testing.T) {
	var stdout, stderr bytes.Buffer
	code := func(args ...string) int { return exitCode(run(t.Context(), args, &stdout, &stderr), &stderr) }
	assert.Equal(t, "help", code("-h"), 0)
	assert.Equal(t, "help of a command", code("load", "-h"), 0)
	assert.Equal(t, "no command", code(), 2)
	assert.Equal(t, "bad flag", code("load", "-nonsense"), 2)
	assert.Equal(t, "no server", code("load", "-urls", "http://127.0.0.1:1", "-n", "2", "-s", "1"), 2)
	assert.Equal(t, "faults", exitCode(errFaulty, &stderr), 1)
}

func TestOptionsThatMakeNoSense(t *testing.T) {
	for args, want := range map[string]string{
		"-n 0":                  "start at 1",
		"-n 3 -s 4":             "more senders than clients",
		"-rate 0":               "needs -w",
		"-rate -1":              "negative",
		"-urls localhost":       "no http(s) address",
		"-urls http://a,ftp":    "no http(s) address",
		"-proto mqtt":           "sio, sio-rooms or centrifuge",
		"-rooms -1":             "cannot be negative",
		"-rooms 9 -members 501": "from 1 to -n",
		"-rooms 9 -members 5":   "in no room",
		"-rooms 900 -typists 1": "without -rooms",
		"-sources 0":            "from 1 to 250",
		"-store-pids x":         "-store-pids",
		"-pids 12,x":            "no process id",
		"stray":                 "unexpected argument",
	} {
		var stderr bytes.Buffer
		if _, err := parseOptions(strings.Fields(args), &stderr); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got error %v, want one with %q", args, err, want)
		}
	}
}

func TestFloorNeedsTwoCores(t *testing.T) {
	for _, text := range []string{"1", "0,x", "-1,0"} {
		if _, err := parseCores(text); err == nil {
			t.Errorf("-cores %s was accepted", text)
		}
	}
}

func TestFaultsEndWithFailure(t *testing.T) {
	for name, r := range map[string]result{
		"missing":       {Missing: 1},
		"duplicates":    {Duplicates: 1},
		"disordered":    {Disordered: 1},
		"divergent":     {Divergent: 1},
		"alien":         {Alien: 1},
		"closed":        {Closed: 1},
		"not connected": {ConnectFailures: 1},
	} {
		assert.Equal(t, name, r.faults(), 1)
	}
	assert.Equal(t, "nothing", (&result{}).faults(), 0)
}
