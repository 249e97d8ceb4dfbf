package app

import (
	"cmp"
	"math"
	"slices"
	"sync"
	"time"

	"scalable-chat/server/internal/api"
	"scalable-chat/server/internal/replica"
	"scalable-chat/server/internal/rooms"
)

// topAge is how old the list of the busiest rooms may be. Making it takes milliseconds when there are many rooms.
const topAge = time.Second

// top is which rooms were the busiest a moment ago.
type top struct {
	mu    sync.Mutex
	rooms []api.Busy // at most [api.MaxTop], the busiest first; never changed, only replaced
	asked time.Time
}

// Top implements [api.Backend].
func (b backend) Top(n int) []api.Busy {
	t := &b.app.top
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.asked.IsZero() || time.Since(t.asked) >= topAge {
		t.rooms, t.asked = b.app.busiest(), time.Now()
	}
	return t.rooms[:min(n, len(t.rooms))]
}

// busiest looks at all rooms that are open on this node.
func (a *App) busiest() []api.Busy {
	all := []api.Busy{busy("/", a.replica, a.hub.Members("/"))}
	a.rooms.Each(func(name string, p rooms.Place) {
		place := p.(*place)
		all = append(all, busy(name, place.Replica, a.hub.Members(place.namespace)))
	})
	slices.SortFunc(all, func(a, b api.Busy) int {
		return cmp.Or(cmp.Compare(b.Deliveries, a.Deliveries), cmp.Compare(b.Messages, a.Messages), b.Sockets-a.Sockets, cmp.Compare(a.Name, b.Name))
	})
	return slices.Clone(all[:min(api.MaxTop, len(all))])
}

// rounded is a rate with the two decimals that mean something.
func rounded(rate float64) float64 { return math.Round(rate*100) / 100 }

func busy(name string, r *replica.Replica, sockets int) api.Busy {
	t := r.Traffic()
	return api.Busy{
		Name: name, Sockets: sockets,
		Messages: rounded(t.Messages), Bytes: rounded(t.Bytes), Deliveries: rounded(t.Messages * float64(sockets)),
	}
}
