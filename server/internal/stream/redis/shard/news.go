package shard

import (
	"errors"
	"strconv"
	"strings"

	"scalable-chat/server/internal/nodeid"
	"scalable-chat/server/internal/stream"
)

// newsKind is the first byte of what comes on a room's channel.
type newsKind byte

const (
	// newsEntries is followed by the offset of the entry before, then by the entries: "e<prev> <offset> <length> <event>…",
	// an event having <length> bytes.
	newsEntries newsKind = 'e'
	// newsLast is followed by the offset of the newest entry: there are too many new bytes for one message.
	newsLast newsKind = 'l'
	// newsMembers is followed by a node's id and its number of members.
	newsMembers newsKind = 'p'
	// newsMessage is followed by the id of the node that sends it, and a message for the sinks of the others.
	newsMessage newsKind = 'm'
)

// news is what came on a room's channel.
type news struct {
	kind    newsKind
	prev    stream.Offset  // of newsEntries
	entries []stream.Entry // of newsEntries; one without an event of newsLast
	node    string         // of newsMembers and newsMessage
	members int            // of newsMembers
	message string         // of newsMessage
}

var errNews = errors.New("malformed news")

// messageNews is the news of a message from this node.
func messageNews(node string, message []byte) []byte {
	b := append(make([]byte, 0, 1+nodeid.Len+len(message)), byte(newsMessage))
	return append(append(b, node...), message...)
}

// parseNews reads what came on a channel. It does not panic whatever the text is.
func parseNews(text string) (news, error) {
	if text == "" {
		return news{}, errNews
	}
	n, rest, err := news{kind: newsKind(text[0])}, text[1:], error(nil)
	switch n.kind {
	case newsEntries:
		err = n.parseEntries(rest)
	case newsLast:
		n.entries = make([]stream.Entry, 1)
		n.entries[0].Offset, err = stream.ParseOffset(rest)
	case newsMembers, newsMessage:
		err = n.parseNode(rest)
	default:
		err = errNews
	}
	return n, err
}

func (n *news) parseNode(text string) (err error) {
	if len(text) < nodeid.Len || !nodeid.Valid(text[:nodeid.Len]) {
		return errNews
	}
	n.node, n.message = text[:nodeid.Len], text[nodeid.Len:]
	if n.kind == newsMembers {
		n.members, err = strconv.Atoi(n.message)
		n.message = ""
	}
	return err
}

func (n *news) parseEntries(text string) (err error) {
	var word string
	if word, text, err = cutWord(text, nil); err == nil {
		n.prev, err = stream.ParseOffset(word)
	}
	for err == nil && text != "" {
		var entry stream.Entry
		if entry, text, err = cutEntry(text); err == nil {
			n.entries = append(n.entries, entry)
		}
	}
	if err == nil && len(n.entries) == 0 {
		err = errNews
	}
	return err
}

// cutEntry takes the first entry off the text.
func cutEntry(text string) (entry stream.Entry, rest string, err error) {
	offset, rest, err := cutWord(text, nil)
	length, rest, err := cutWord(rest, err)
	if err != nil {
		return entry, "", err
	}
	n, err := strconv.Atoi(length)
	if err != nil || n <= 0 || n > len(rest) {
		return entry, "", errNews
	}
	entry.Event = []byte(rest[:n])
	entry.Offset, err = stream.ParseOffset(offset)
	return entry, rest[n:], err
}

// cutWord takes the text before the first space, unless there was an error before.
func cutWord(text string, before error) (word, rest string, err error) {
	word, rest, ok := strings.Cut(text, " ")
	if before == nil && !ok {
		before = errNews
	}
	return word, rest, before
}
