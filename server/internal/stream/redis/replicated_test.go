package redis

import (
	"testing"
	"time"

	"scalable-chat/server/internal/test/redistest"
)

// failover kills the master under load and waits until appends flow again. Redis replicates asynchronously: acknowledged
// entries that were not replicated may be missing, but nothing may be stored twice or out of order.
func failover(t *testing.T, where ClientOptions, kill func()) {
	var streams []*Stream
	for range 2 {
		streams = append(streams, openAt(t, where, Options{MaxLen: lots, AppendTimeout: 3 * time.Second}))
	}
	w := watch(t, streams[1])
	l := startLoad(t, streams...)
	l.flows(500)
	kill()
	t.Logf("appends flowed again after %v", l.flows(500))
	l.end()
	entries := everything(t, streams[0])
	missing := l.check(entries)
	if gaps := w.sees(entries); gaps > 1 {
		t.Errorf("%d gaps", gaps)
	}
	if acked, _ := l.counts(); missing > acked/10 {
		t.Errorf("%d of %d acknowledged entries are missing", missing, acked)
	}
}

func TestClusterFailover(t *testing.T) {
	cluster := redistest.StartCluster(t)
	failover(t, ClientOptions{Addrs: cluster.Addrs()}, func() { cluster.MasterOf(t, "room").Kill() })
}

func TestClusterFrozenMaster(t *testing.T) {
	cluster := redistest.StartCluster(t)
	failover(t, ClientOptions{Addrs: cluster.Addrs()}, func() { cluster.MasterOf(t, "room").Stop() })
}

func TestSentinelFailover(t *testing.T) {
	sentinels := redistest.StartSentinels(t)
	failover(t, ClientOptions{Addrs: sentinels.Addrs(), SentinelMaster: sentinels.Name}, sentinels.Master.Kill)
}
