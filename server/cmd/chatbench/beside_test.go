package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"scalable-chat/server/internal/test/assert"
)

func TestP10_BesideMeasuresInTurns(t *testing.T) {
	f := &fake{deliver: honest}
	var stdout, stderr bytes.Buffer
	args := []string{"beside", "-json", "-urls", f.node(t), "-flooders", "3", "-members", "2", "-rounds", "2", "-d", "200ms"}
	assert.NoError(t, run(t.Context(), args, &stdout, &stderr))
	var r besideResult
	assert.NoError(t, json.Unmarshal(stdout.Bytes(), &r))
	assert.Equal(t, "rounds", []int{len(r.Alone), len(r.Beside), len(r.Flood)}, []int{2, 2, 2})
	assert.Equal(t, "faults", r.Faults, 0)
	for i, rate := range r.Flood {
		if r.Alone[i] <= 0 || r.Beside[i] <= 0 || rate <= 100 {
			t.Errorf("round %d: %+v", i, r)
		}
	}
	assert.Equal(t, "ratio of the medians", r.Ratio, round(max(r.Beside[0], r.Beside[1])/max(r.Alone[0], r.Alone[1])))
}

func TestP10_BesideSaysWhatIsWrong(t *testing.T) {
	for args, want := range map[string]string{
		"-rounds 0":                "must be positive",
		"-rate 0":                  "must be positive",
		"stray":                    "no arguments",
		"-flooders 0":              "start at 1",
		"-urls x":                  "no http(s) address",
		"-urls http://127.0.0.1:1": "alone",
	} {
		err := run(t.Context(), append([]string{"beside"}, strings.Fields(args)...), &bytes.Buffer{}, &bytes.Buffer{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got error %v, want one with %q", args, err, want)
		}
	}
}

func TestBesidePrintsTheRatio(t *testing.T) {
	var b bytes.Buffer
	r := besideResult{Alone: []float64{3, 1, 2}, Beside: []float64{4, 3, 2}, Flood: []float64{5, 5, 5}, Ratio: 1.5}
	assert.NoError(t, r.print(&b, false))
	assert.Equal(t, "text", strings.Contains(b.String(), "ratio                  1.5\n"), true)
	assert.Equal(t, "median", strings.Contains(b.String(), "p99 2 ms, median of [3 1 2]"), true)
}
