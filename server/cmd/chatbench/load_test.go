package main

import (
	"errors"
	"testing"

	"scalable-chat/server/internal/test/assert"
)

func TestLoadOfAnHonestServer(t *testing.T) {
	for name, args := range map[string][]string{
		"open loop":   {"-n", "8", "-s", "3", "-rate", "300", "-d", "300ms", "-warmup", "100ms"},
		"closed loop": {"-n", "8", "-s", "3", "-rate", "0", "-w", "4", "-d", "100ms", "-warmup", "50ms"},
		"idle":        {"-n", "8", "-s", "1", "-d", "0s", "-hold", "10ms"},
		"large":       {"-n", "2", "-s", "2", "-rate", "40", "-d", "100ms", "-size", "40000"},
	} {
		t.Run(name, func(t *testing.T) {
			f := &fake{deliver: honest}
			r, err := loadResult(t, append(args, "-urls", f.node(t))...)
			if err != nil {
				t.Fatalf("%v: %+v", err, r)
			}
			if want := r.Sent * int64(r.Clients); r.Delivered != want {
				t.Errorf("%d deliveries of %d messages, want %d", r.Delivered, r.Sent, want)
			}
			if idle := r.Sent == 0; idle != (name == "idle") || idle != (r.Latency == nil) {
				t.Errorf("sent %d, latency %v", r.Sent, r.Latency)
			}
		})
	}
}

func TestLoadTellsNodesApart(t *testing.T) {
	f := &fake{deliver: honest}
	r, err := loadResult(t, "-n", "4", "-s", "1", "-rate", "100", "-d", "100ms", "-urls", f.node(t)+","+f.node(t))
	if err != nil {
		t.Fatalf("%v: %+v", err, r)
	}
	if r.CrossNode == nil {
		t.Error("no latency across nodes")
	}
}

// kept holds, by client, a packet that the server withheld.
var kept = map[int]string{}

// faultyDeliveries are servers with one fault each, and the faults that a load finds.
var faultyDeliveries = map[string]struct {
	deliver func(client, n int, packet string) []string
	want    result
}{
	"loss": {
		func(client, n int, packet string) []string {
			if client == 1 && n == 5 {
				return []string{}
			}
			return []string{packet}
		},
		result{Missing: 1},
	},
	"duplicate": {
		func(client, n int, packet string) []string {
			if client == 1 && n == 5 {
				return []string{packet, packet}
			}
			return []string{packet}
		},
		result{Duplicates: 1},
	},
	"disorder of one sender": {
		func(client, n int, packet string) []string {
			switch {
			case client != 1:
				return []string{packet}
			case n == 3: // one sender at a time: 3 and 5 have the same sender
				kept[client] = packet
				return []string{}
			case n == 5:
				return []string{packet, kept[client]}
			}
			return []string{packet}
		},
		result{Disordered: 1, Divergent: 1},
	},
	"closing": {
		func(client, n int, packet string) []string {
			if client == 3 && n == 10 {
				return nil
			}
			return []string{packet}
		},
		result{Closed: 1, Missing: 11},
	},
}

func TestLoadFindsFaults(t *testing.T) {
	for name, test := range faultyDeliveries {
		t.Run(name, func(t *testing.T) {
			f := &fake{deliver: test.deliver}
			r, err := loadResult(t, "-n", "4", "-par", "1", "-s", "1", "-rate", "100", "-d", "200ms", "-drain", "2s", "-urls", f.node(t))
			if !errors.Is(err, errFaulty) {
				t.Errorf("ended with %v", err)
			}
			assert.Equal(t, "sent", r.Sent, 20)
			assert.Equal(t, "missing", r.Missing, test.want.Missing)
			assert.Equal(t, "duplicates", r.Duplicates, test.want.Duplicates)
			assert.Equal(t, "disordered", r.Disordered, test.want.Disordered)
			assert.Equal(t, "divergent", r.Divergent, test.want.Divergent)
			assert.Equal(t, "closed", r.Closed, test.want.Closed)
			if r.Closed > 0 && len(r.Reasons) == 0 {
				t.Error("no reason for the closing")
			}
		})
	}
}

// One client sees the messages of two senders in reverse order: each sender's order is kept, the room's is not.
func TestP1_LoadFindsAnotherOrderOfTheRoom(t *testing.T) {
	var kept string
	f := &fake{deliver: func(client, n int, packet string) []string {
		switch {
		case client != 2 || n > 2:
			return []string{packet}
		case n == 1:
			kept = packet
			return []string{}
		}
		return []string{packet, kept}
	}}
	r, err := loadResult(t, "-n", "4", "-par", "1", "-s", "2", "-rate", "20", "-d", "300ms", "-urls", f.node(t))
	if !errors.Is(err, errFaulty) {
		t.Errorf("ended with %v", err)
	}
	assert.Equal(t, "disordered", r.Disordered, 0)
	assert.Equal(t, "missing", r.Missing, 0)
	assert.Equal(t, "divergent", r.Divergent, 1)
}
