package cluster

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"scalable-chat/server/internal/test/assert"
)

func TestPresenceIsCoalescedToOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var count atomic.Int64
		alone := NewAlone(func() int { return int(count.Load()) })
		var reports, last atomic.Int64
		stop := alone.Watch(func(n int) {
			reports.Add(1)
			last.Store(int64(n))
		})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { alone.Run(ctx); close(done) }()
		for range 995 { // just under ten seconds
			time.Sleep(10 * time.Millisecond)
			count.Add(1)
		}
		synctest.Wait()
		assert.Equal(t, "reports", reports.Load(), 9)
		time.Sleep(time.Second)
		synctest.Wait()
		assert.Equal(t, "reports", reports.Load(), 10)
		assert.Equal(t, "last", int(last.Load()), alone.Online())
		time.Sleep(time.Minute) // nothing changes, so nothing is logged
		synctest.Wait()
		assert.Equal(t, "reports", reports.Load(), 10)
		stop()
		count.Add(1)
		time.Sleep(time.Minute)
		synctest.Wait()
		assert.Equal(t, "reports", reports.Load(), 10)
		cancel()
		<-done
	})
}

func TestP8_AloneCountsItself(t *testing.T) {
	assert.Equal(t, "online", NewAlone(func() int { return 3 }).Online(), 3)
}
