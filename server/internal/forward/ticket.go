package forward

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
)

// Ticket derives what a request to a node must carry from the secret that all nodes share. The ticket names the node, so
// that a stranger who gets it (an address may be reused after a crash) can open nothing else. The secret itself never
// leaves the node.
func Ticket(secret, nodeID string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte("forward to " + nodeID))
	return hex.EncodeToString(mac.Sum(nil))
}

// Admits reports in constant time whether ticket is the one for nodeID. Without a secret nothing is admitted.
func Admits(secret, nodeID, ticket string) bool {
	if secret == "" {
		return false
	}
	return subtle.ConstantTimeCompare([]byte(Ticket(secret, nodeID)), []byte(ticket)) == 1
}
