package main

import "fmt"

// plan says who is in which room. Without rooms there is one place, where everybody is and the first clients speak. With
// rooms, the members of a room are equally far apart among the clients, every client is in as many rooms as any other (give
// or take one), and all members of a room speak there.
//
// A speaker is a client in a room: its messages have numbers of their own. Speakers are numbered room by room.
type plan struct {
	clients int
	rooms   int // 0: the one place
	members int // speakers of a room, or of the one place
	name    string
}

// speakers is how many there are in all.
func (p plan) speakers() int { return max(p.rooms, 1) * p.members }

// client is the one who speaks.
func (p plan) client(speaker int) int {
	if p.rooms == 0 {
		return speaker
	}
	return (p.room(speaker) + speaker%p.members*(p.clients/p.members)) % p.clients
}

// room is where the speaker speaks; 0 without rooms.
func (p plan) room(speaker int) int { return speaker / p.members }

// speakersBy returns the speakers of each client, in ascending order.
func (p plan) speakersBy() [][]int {
	by := make([][]int, p.clients)
	for s := range p.speakers() {
		c := p.client(s)
		by[c] = append(by[c], s)
	}
	return by
}

// roomName is the name of a room on the wire. The rooms of loads that run at the same time differ by their names.
func (p plan) roomName(room int) string { return fmt.Sprintf("bench-%s%d", p.name, room) }
