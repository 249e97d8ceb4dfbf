// Package nodeid names the processes of a cluster and the sessions that they own.
//
// It owns the form of a node id, and of an Engine.IO session id, which begins with the id of the node that made it. So
// every node knows from the session id alone who owns the session. The package does no I/O and imports nothing of ours.
package nodeid

import (
	"crypto/rand"
	"encoding/base64"
	"strings"
)

// Len is the length of a node id in bytes.
const Len = 8

const (
	idChars = "abcdefghijklmnopqrstuvwxyz0123456789"
	// separator ends the node's id in a session id. It needs no escaping in a URL and occurs neither in node ids nor in
	// base64url.
	separator = "."
	// sessionRandomBytes makes a session id unguessable: 144 bits, 24 characters.
	sessionRandomBytes = 18
)

// New returns a random node id: eight characters of [a-z0-9]. Ids are never reused, so a restarted process is a new
// node.
func New() string {
	id := make([]byte, 0, Len)
	var buf [32]byte
	for {
		rand.Read(buf[:]) // never fails: it ends the process instead
		for _, b := range buf {
			// Bytes beyond the last whole multiple are dropped, so that all characters are equally likely.
			if int(b) >= 256/len(idChars)*len(idChars) {
				continue
			}
			id = append(id, idChars[int(b)%len(idChars)])
			if len(id) == Len {
				return string(id)
			}
		}
	}
}

// Valid reports whether id has the form of a node id.
func Valid(id string) bool {
	if len(id) != Len {
		return false
	}
	for i := range len(id) {
		if !strings.Contains(idChars, id[i:i+1]) {
			return false
		}
	}
	return true
}

// NewSession returns an unguessable Engine.IO session id that names nodeID as its owner. It needs no escaping in a
// query string.
func NewSession(nodeID string) string {
	var buf [sessionRandomBytes]byte
	rand.Read(buf[:])
	return nodeID + separator + base64.RawURLEncoding.EncodeToString(buf[:])
}

// Owner returns the id of the node that made the session id, and false if no node of ours made it.
func Owner(sid string) (nodeID string, ok bool) {
	nodeID, rest, ok := strings.Cut(sid, separator)
	if !ok || rest == "" || !Valid(nodeID) {
		return "", false
	}
	return nodeID, true
}
