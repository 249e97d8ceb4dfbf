package pace

import (
	"testing"
	"time"
)

func TestBucket(t *testing.T) {
	const rate, burst = 10, 3
	b := New(rate, burst)
	at := time.Hour
	for i := range burst {
		if wait := b.Reserve(at); wait != 0 {
			t.Errorf("token %d of a full bucket: wait %v", i, wait)
		}
	}
	if b.Take(at) {
		t.Error("took a token that is not there")
	}
	for i := 1; i <= 5; i++ {
		if wait := b.Reserve(at); wait != time.Duration(i)*time.Second/rate {
			t.Errorf("token %d of an empty bucket: wait %v", i, wait)
		}
	}
	at += time.Hour
	for range burst {
		if !b.Take(at) {
			t.Error("it is not full again")
		}
	}
	if b.Take(at) {
		t.Error("it holds more than its burst")
	}
	if !b.Take(at + time.Second/rate) {
		t.Error("no token after the time of one")
	}
}

func TestNoLimit(t *testing.T) {
	none := New(0, 5)
	for range 1000 {
		if none.Reserve(0) != 0 || !none.Take(0) {
			t.Fatal("limited")
		}
	}
}
