package pace

import (
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"

	"scalable-chat/server/internal/test/assert"
)

// TestTable_ABucketForEachKey compares a table with a bucket for each key that is never forgotten.
func TestTable_ABucketForEachKey(t *testing.T) {
	const rate, burst, keys = 10, 3, 500
	table, buckets := NewTable[int](rate, burst), make([]Bucket, keys)
	for i := range buckets {
		buckets[i] = New(rate, burst)
	}
	dice := rand.New(rand.NewPCG(11, 1))
	now := time.Duration(0)
	for range 100_000 {
		now += time.Duration(dice.IntN(2000)) * time.Microsecond
		key := dice.IntN(1 + dice.IntN(keys)) // some keys are used more than others
		if dice.IntN(2) == 0 {
			assert.Equal(t, "wait", table.Reserve(key, now), buckets[key].Reserve(now))
		} else {
			assert.Equal(t, "taken", table.Take(key, now), buckets[key].Take(now))
		}
	}
}

func TestTable_WhatWasReservedInVainDelaysNobody(t *testing.T) {
	table := NewTable[string](1, 1)
	const now = time.Hour
	for i := range 10 {
		assert.Equal(t, "wait", table.Reserve("a", now), time.Duration(i)*time.Second)
	}
	for range 9 {
		table.GiveBack("a")
	}
	assert.Equal(t, "the next one waits for the one that was used", table.Reserve("a", now), time.Second)
	table.GiveBack("nobody knows it")
	assert.Equal(t, "keys", len(table.levels), 1)
}

// TestP6_TableForgetsFullBuckets: what a flood of new keys costs is bounded by the time in which a bucket fills, and is given
// back afterwards.
func TestP6_TableForgetsFullBuckets(t *testing.T) {
	const rate, every, many = 50, 10 * time.Microsecond, 300_000
	notFull := int(time.Second / rate / every) // keys at a time
	table, most := NewTable[int](rate, 200), 0
	now := time.Duration(0)
	for key := range many {
		now += every
		table.Reserve(key, now)
		most = max(most, len(table.levels))
	}
	if most < notFull || most > 2*notFull+leastSweep {
		t.Errorf("up to %d keys, while %d were not full", most, notFull)
	}
	for key := range many / 10 {
		now += time.Second
		table.Reserve(key, now)
	}
	if len(table.levels) > leastSweep {
		t.Errorf("%d keys are left", len(table.levels))
	}
}

func TestTable_WithoutALimitItKeepsNothing(t *testing.T) {
	table := NewTable[int](0, 5)
	for key := range 1000 {
		if table.Reserve(key, 0) != 0 || !table.Take(key, 0) {
			t.Fatal("limited")
		}
		table.GiveBack(key)
	}
	assert.Equal(t, "keys", len(table.levels), 0)
}

func TestTable_AKnownKeyAllocatesNothing(t *testing.T) {
	table := NewTable[string](1, 1)
	table.Reserve("a", 0)
	assert.Equal(t, "allocations", testing.AllocsPerRun(1000, func() { table.Reserve("a", 0) }), 0)
}

func TestTable_MayBeUsedFromAnyGoroutine(t *testing.T) {
	const each, users = 1000, 8
	table := NewTable[string](1, each*users)
	var all sync.WaitGroup
	for range users {
		all.Go(func() {
			for i := range each {
				table.Take("shared", 0)
				table.Reserve(strconv.Itoa(i), 0)
				table.GiveBack(strconv.Itoa(i))
			}
		})
	}
	all.Wait()
	assert.Equal(t, "a token that is not there", table.Take("shared", 0), false)
}

func BenchmarkTable(b *testing.B) {
	const users = 10_000
	names := make([]string, users)
	for i := range names {
		names[i] = "~4VkTjqX2h0b" + strconv.Itoa(i)
	}
	table, epoch := NewTable[string](50, 200), time.Now()
	b.ReportAllocs()
	b.RunParallel(func(p *testing.PB) {
		for i := rand.IntN(users); p.Next(); i++ {
			table.Reserve(names[i%users], time.Since(epoch))
		}
	})
}

// BenchmarkTableOfNewKeys includes what the sweeps cost.
func BenchmarkTableOfNewKeys(b *testing.B) {
	table, now := NewTable[int](50, 200), time.Duration(0)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		now += 2 * time.Microsecond
		table.Reserve(i, now)
	}
}
