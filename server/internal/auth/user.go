package auth

import "strings"

// User is the identity of a user whom the operator's own back end names, without a token; false unless id and name are what a
// token may say. An empty name is none.
func User(id, name string) (Identity, bool) {
	if !isUserID(id) || !isText(name, maxName) {
		return Identity{}, false
	}
	return Identity{ID: id, Name: name, Verified: name != ""}, true
}

// isUserID reports whether an id may be that of a user who is no guest.
func isUserID(id string) bool {
	return id != "" && !strings.HasPrefix(id, GuestPrefix) && isText(id, maxID) && !strings.ContainsFunc(id, isHidden)
}
