package room

import (
	"encoding/json"

	"scalable-chat/server/internal/auth"
	"scalable-chat/server/internal/wire"
)

// Limits are what every client is told of the settings, so that none has to know them beforehand. Rates are events per second;
// a rate of 0 is no limit.
type Limits struct {
	MessageChars    int   `json:"messageChars"`    // of a message
	UsernameChars   int   `json:"usernameChars"`   // of a name
	PayloadBytes    int   `json:"payloadBytes"`    // of a packet
	DedupeMs        int64 `json:"dedupeMs"`        // how long a retry is recognised
	AppendMs        int64 `json:"appendMs"`        // how long a message may wait to be stored
	MessageRate     int   `json:"messageRate"`     // all events
	MessageBurst    int   `json:"messageBurst"`    // at once
	RequestRate     int   `json:"requestRate"`     // requests: history, rooms, people, token
	RequestBurst    int   `json:"requestBurst"`    // at once
	HistoryMessages int   `json:"historyMessages"` // in an answer to "history"
	HistoryOnJoin   int   `json:"historyOnJoin"`   // that a CONNECT may ask for
	Rooms           int   `json:"rooms"`           // that a connection may be in beside the global one
}

// Welcome is the part of "welcome" that is the same for all clients. All rooms share one.
type Welcome struct{ limits []byte }

// NewWelcome makes a welcome that tells of these limits.
func NewWelcome(l Limits) *Welcome {
	text, _ := json.Marshal(l) // cannot fail
	return &Welcome{text}
}

// user is the identity of a user who is no guest as its owner is told it.
type user struct {
	ID      string `json:"id"`
	Name    string `json:"name,omitempty"`
	Role    string `json:"role,omitempty"`
	Expires int64  `json:"expires,omitempty"` // milliseconds since the epoch
}

// appendWelcome appends the frame of "welcome". A guest's token is like a private id of its.
func (r *Room) appendWelcome(dst []byte, who auth.Identity) []byte {
	text := append(make([]byte, 0, 768), prefix(r.opts.Namespace)...)
	text = appendUser(append(text, `["welcome",{"user":`...), who)
	if who.Guest && r.opts.PrivateIDs != nil {
		text = append(append(append(text, `,"token":"`...), r.opts.PrivateIDs.PrivateID(who)...), '"')
	}
	if len(who.Rooms) > 0 {
		rooms, _ := json.Marshal(who.Rooms) // cannot fail
		text = append(append(text, `,"rooms":`...), rooms...)
	}
	text = append(append(text, `,"limits":`...), r.opts.Welcome.limits...)
	return wire.AppendMessage(dst, append(text, `}]`...))
}

// appendUser appends an identity as JSON. A guest has nothing but its id, which needs no escape: an encoder would take most of
// the time of a welcome.
func appendUser(dst []byte, who auth.Identity) []byte {
	if who.Guest {
		return append(append(append(dst, `{"id":"`...), who.ID...), `","guest":true}`...)
	}
	told := user{ID: who.ID, Name: who.Name, Role: who.Role}
	if !who.Expires.IsZero() {
		told.Expires = who.Expires.UnixMilli()
	}
	body, _ := json.Marshal(told) // cannot fail
	return append(dst, body...)
}
