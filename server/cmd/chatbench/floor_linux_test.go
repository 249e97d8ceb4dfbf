package main

import (
	"testing"

	"scalable-chat/server/internal/test/assert"
)

func TestFloorCountsEveryWrite(t *testing.T) {
	o := floorOptions{connections: 20, size: 100, rate: 200, duration: 1e8, cores: [2]int{-1, -1}}
	r, err := measureFloor(o)
	if err != nil {
		t.Fatal(err)
	}
	assert.Equal(t, "interrupted", r.Interrupted, 0)
	if rounds := r.Writes / 20; r.Writes%20 != 0 || rounds < 1 || rounds > 21 {
		t.Errorf("%d writes to 20 connections in 100 ms at 200 rounds/s", r.Writes)
	}
	if r.CPUPerWrite <= 0 {
		t.Error("no CPU time measured")
	}
}
