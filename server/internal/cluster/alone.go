package cluster

import "context"

// Alone is the cluster of a node that has no Redis: itself.
type Alone struct {
	local    func() int
	watchers watchers
}

var _ Members = (*Alone)(nil)

// NewAlone returns a cluster of one whose members are counted by local, which may be called from any goroutine.
func NewAlone(local func() int) *Alone { return &Alone{local: local} }

// Run reports changes of the count to the watchers until ctx ends.
func (a *Alone) Run(ctx context.Context) { a.watchers.run(ctx, watchInterval, a.local) }

// Online returns the number of this node's members of the global room.
func (a *Alone) Online() int { return a.local() }

// Watch calls fn as [Members] says, while Run runs.
func (a *Alone) Watch(fn func(online int)) (stop func()) { return a.watchers.add(fn) }
