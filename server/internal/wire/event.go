package wire

// AppendMessage appends the text frame of an Engine.IO message packet with the given text.
func AppendMessage(dst, text []byte) []byte {
	dst = AppendHeader(dst, OpText, 1+len(text))
	dst = append(dst, PacketMessage)
	return append(dst, text...)
}

// MessageLen is the length of the frame that [AppendMessage] makes of a text of n bytes.
func MessageLen(n int) int { return HeaderLen(n+1) + n + 1 }

// IsEventArgs reports whether b looks like the arguments of a Socket.IO event: a JSON array that begins with a string.
func IsEventArgs(b []byte) bool {
	return len(b) >= len(`[""]`) && b[0] == '[' && b[1] == '"' && b[len(b)-1] == ']'
}
