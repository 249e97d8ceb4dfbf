package main

// places are the timelines of one client, one for each room that it is in. In the one place of everybody it has one.
type places struct {
	plan   plan
	single timeline          // without rooms
	rooms  map[int]*timeline // with rooms, by their numbers
	alien  int64             // messages of rooms that the client is not in
}

func newPlaces(p plan, speakers []int) places {
	if p.rooms == 0 {
		return places{plan: p, single: newTimeline(p.members)}
	}
	all := places{plan: p, rooms: make(map[int]*timeline, len(speakers))}
	for _, s := range speakers {
		t := newTimeline(p.members)
		all.rooms[p.room(s)] = &t
	}
	return all
}

// add records a message and reports whether it is new and belongs to this client.
func (p *places) add(speaker int, n int64) bool {
	if p.plan.rooms == 0 {
		return p.single.add(speaker, n)
	}
	t := p.rooms[p.plan.room(speaker)]
	if t == nil {
		p.alien++
		return false
	}
	return t.add(speaker%p.plan.members, n)
}

// each calls fn with every timeline and the number of its room.
func (p *places) each(fn func(room int, t *timeline)) {
	if p.plan.rooms == 0 {
		fn(0, &p.single)
	}
	for room, t := range p.rooms {
		fn(room, t)
	}
}
