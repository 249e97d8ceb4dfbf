package main

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"strconv"
	"time"
)

// message is the content of each text that a load sends:
//
//	#<tag of the run>|<speaker>|<number>|<nanoseconds since the start>|xxxx…
type message struct {
	speaker int // see plan
	number  int64
	sent    time.Duration // since the start of the run
}

// newTag makes the prefix of all texts of one run, so that chatbench ignores other traffic of a live server.
func newTag() []byte {
	var b [4]byte
	rand.Read(b[:])
	return []byte("#" + hex.EncodeToString(b[:]) + "|")
}

func appendMessage(dst, tag []byte, m message, size int) []byte {
	begin := len(dst)
	dst = append(dst, tag...)
	dst = append(strconv.AppendInt(dst, int64(m.speaker), 10), '|')
	dst = append(strconv.AppendInt(dst, m.number, 10), '|')
	dst = append(strconv.AppendInt(dst, int64(m.sent), 10), '|')
	for len(dst)-begin < size {
		dst = append(dst, 'x')
	}
	return dst
}

// cutMessage finds the first message in b and returns the rest after it. It skips text that only looks like a message.
func cutMessage(b, tag []byte, speakers int) (m message, rest []byte, ok bool) {
	for {
		i := bytes.Index(b, tag)
		if i < 0 {
			return message{}, nil, false
		}
		b = b[i+len(tag):]
		speaker, after, ok1 := cutNumber(b)
		number, after, ok2 := cutNumber(after)
		sent, after, ok3 := cutNumber(after)
		if ok1 && ok2 && ok3 && speaker < int64(speakers) {
			return message{int(speaker), number, time.Duration(sent)}, after, true
		}
	}
}

// cutNumber reads at most 18 digits, so that they fit, up to a bar.
func cutNumber(b []byte) (n int64, rest []byte, ok bool) {
	for i := 0; i < len(b) && i <= 18; i++ {
		switch {
		case b[i] == '|':
			return n, b[i+1:], i > 0
		case b[i] < '0' || b[i] > '9':
			return 0, nil, false
		}
		n = n*10 + int64(b[i]-'0')
	}
	return 0, nil, false
}
