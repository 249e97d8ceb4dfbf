package cluster

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
)

// ticketFor derives what a request to a node must carry from the secret that all nodes share. It names the node, so
// that a ticket that reaches a stranger (an address may be reused after a crash) opens nothing else, and the secret
// itself never leaves the node.
func ticketFor(secret, nodeID string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte("forward to " + nodeID))
	return hex.EncodeToString(mac.Sum(nil))
}

// admits reports in constant time whether ticket is the one for nodeID. Without a secret nothing is admitted.
func admits(secret, nodeID, ticket string) bool {
	if secret == "" {
		return false
	}
	return subtle.ConstantTimeCompare([]byte(ticketFor(secret, nodeID)), []byte(ticket)) == 1
}

func newSecret() string { return rand.Text() + rand.Text() }
