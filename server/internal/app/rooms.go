package app

import (
	"encoding/json"
	"net/http"
	"time"

	"scalable-chat/server/internal/adapter"
	"scalable-chat/server/internal/chat"
	"scalable-chat/server/internal/fanout"
	"scalable-chat/server/internal/pace"
	"scalable-chat/server/internal/replica"
	"scalable-chat/server/internal/room"
	"scalable-chat/server/internal/rooms"
	"scalable-chat/server/internal/stream"
)

// RoomsPath is where the public list of rooms is served.
const RoomsPath = "/rooms"

// leastTail is how many entries are read at least when a room opens: a screen full, and the entry before.
const leastTail = 51

// roomsWarnings is how many warnings all rooms' records may write in a second: all of them may have a gap at once.
const roomsWarnings = 5

// newRooms makes the manager of the rooms. With ROOMS=off it refuses all of them.
func (a *App) newRooms() *rooms.Manager {
	cfg := a.cfg.Rooms
	a.budget = fanout.NewBudget(int64(cfg.Bytes))
	a.roomsLog = pace.Thinned(a.log, roomsWarnings, time.Second)
	return rooms.New(rooms.Options{
		Backend: a.parts.rooms, Permits: cfg.Permits, Open: a.openRoom, Full: a.budget.Full,
		Listed: cfg.Listed, Max: cfg.Max, PerConnection: cfg.MaxPerConnection,
		Tail:    max(leastTail, a.cfg.HistoryMax+1-replica.OlderPage), // the rest is read if a handshake asks for it
		Refused: a.metrics.RoomRefused,
	})
}

// place is this node's half of one room.
type place struct {
	*replica.Replica
	app       *App
	namespace string
	room      *room.Room
}

var _ rooms.Place = (*place)(nil)

// openRoom makes this node's half of a room.
func (a *App) openRoom(name string, record stream.Room, online func(atLeast int) int) rooms.Place {
	namespace := rooms.Prefix + name
	window := fanout.Window{
		MaxCount: a.cfg.Rooms.Window, MaxBytes: min(a.cfg.HistoryBytes, a.cfg.Rooms.Bytes), Budget: a.budget,
	}
	p := &place{app: a, namespace: namespace}
	p.Replica = replica.New(replica.Options{
		Stream: record, Sweepers: a.sweepers, Name: name, Encode: room.Encoder(namespace), Decode: room.Decode,
		Window: window, Retained: a.parts.window, Nodes: a.parts.nodes, Since: a.parts.global.since,
		Hooks:  replica.Hooks{Reset: a.metrics.Reset, Followed: a.metrics.Followed},
		Logger: a.roomsLog,
	})
	p.room = a.newRoom(namespace, p.Replica, func() int { return online(a.hub.Members(namespace)) })
	a.binding.Store(namespace, func(n adapter.Namespace) adapter.Binding {
		binding := p.room.Bind(n)
		binding.Publish, binding.Members = record.Publish, record.SetMembers
		return binding
	})
	defer a.binding.Delete(namespace)
	a.hub.Open(namespace)
	return p
}

// bind gives a namespace its room. Those of an embedder are plain.
func (a *App) bind(n adapter.Namespace) adapter.Binding {
	if n.Name() == "/" {
		return a.room.Bind(n)
	}
	if bind, ok := a.binding.Load(n.Name()); ok {
		return bind.(func(adapter.Namespace) adapter.Binding)(n)
	}
	return adapter.Binding{}
}

// Message implements [rooms.Place].
func (p *place) Message(message []byte) { p.app.hub.Receive(p.namespace, message) }

// Presence implements [rooms.Place].
func (p *place) Presence(online int) { p.room.Presence(online) }

// Close implements [rooms.Place].
func (p *place) Close() {
	if err := p.app.hub.Discard(p.namespace); err != nil {
		p.app.log.Warn("a room is closed with members", "room", p.namespace, "error", err)
	}
	p.Replica.Close()
}

// serveRooms answers with the public list of rooms (ROOM-14).
func (a *App) serveRooms(w http.ResponseWriter, r *http.Request) {
	if !a.edge.Allow(w, r) {
		return
	}
	list, err := a.rooms.List(r.Context())
	if err != nil {
		a.edge.RefuseBusy(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(chat.List{Rooms: append([]chat.Listed{}, list...)}) // the client may have gone
}
