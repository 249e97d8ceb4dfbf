package adapter

// Bus carries messages between the hubs of a cluster. It is best effort: a message arrives at most once and in the order
// of its sender, or not at all. Its methods may be called from any goroutine and do not block.
type Bus interface {
	// Publish sends payload to all other nodes; the sender does not hear itself. No reference to payload is kept.
	Publish(topic string, payload []byte) error
	// Send is Publish to one node, which is called as Subscribe names it. A node that does not exist is no error.
	Send(node, topic string, payload []byte) error
	// Subscribe calls fn for what other nodes send to the topic, one message at a time; fn is quick and may keep payload
	// but not change it. The returned function ends it; a call that has begun may still finish.
	Subscribe(topic string, fn func(from string, payload []byte)) (cancel func())
}
